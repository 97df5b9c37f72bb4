"""Job: marks a run's begin and commit; bookmarks are not kept."""

from collections.abc import Mapping
from typing import Any


class Job:
    def __init__(self, glue_context: Any) -> None:
        self._context = glue_context

    def init(self, job_name: str, args: Mapping[str, str] | None = None) -> None:
        if (args or {}).get("job-bookmark-option") == "job-bookmark-enable":
            raise NotImplementedError("the local Glue keeps no job bookmarks")

    def commit(self) -> None:
        """Nothing to keep."""
