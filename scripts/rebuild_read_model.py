"""Makes the read model again from the event log: `python -m scripts.rebuild_read_model --stage STAGE`."""

import argparse
import os
import sys
from collections.abc import Sequence

from chalicelib import bootstrap, names
from chalicelib.config import Settings
from chalicelib.handlers import local_run
from scripts.deployment import invocation, settings
from scripts.deployment.cli import connect, reported


def rebuild(stage: str, database_url: str | None) -> int:
    """How many events were folded in: on a database at hand, else by the stage's function `migrate`."""
    if stage == "local" and database_url is None:
        local_run.require(os.environ)
        database_url = os.environ["DATABASE_URL"]
    if database_url:
        chosen = Settings(stage=stage, database_url=database_url)
        return int(bootstrap.build(chosen, bootstrap.adapters(chosen)).rebuild_read_model()["events"])
    stage_settings = settings.load(stage)
    answer = invocation.call(connect(stage_settings), stage_settings, "migrate", {"rebuildReadModel": True})
    return int(answer["events"])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.rebuild_read_model", description=__doc__)
    parser.add_argument("--stage", required=True, choices=names.STAGES)
    parser.add_argument("--database-url", help="work on this database instead of asking the stage's function")
    args = parser.parse_args(argv)

    def run() -> int:
        print(f"read model rebuilt from {rebuild(args.stage, args.database_url)} events")
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main())
