"""Glue and Athena for real, as one gap filler among the launcher's."""

from scripts.local_cloud import glue_catalog, glue_cloudformation, glue_listings, glue_store
from scripts.local_cloud.athena.install import ACTIONS as ATHENA_ACTIONS
from scripts.local_cloud.athena.install import install as install_athena
from scripts.local_cloud.crawlers.install import install as install_crawlers
from scripts.local_cloud.gaps import Context
from scripts.local_cloud.glue_jobs import step_functions
from scripts.local_cloud.glue_jobs.install import install as install_jobs


def install(context: Context) -> None:
    """Check every seam, then hook it."""
    glue_store.use_cache_dir(context.scratch / "lake-cache")
    install_crawlers()
    install_athena()
    workflow_actions = install_jobs(context)
    glue_catalog.install({**glue_listings.ACTIONS, **workflow_actions})
    glue_cloudformation.install()
    step_functions.install(ATHENA_ACTIONS)
