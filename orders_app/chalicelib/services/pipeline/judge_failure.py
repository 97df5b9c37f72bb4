"""Judges a failed job: what may pass is retried, counted, and on Spark where size is to blame."""

import re
from dataclasses import dataclass

# What fails again however often it is tried, by the words of the engines' error messages.
LASTING = re.compile(
    r"QualityThresholdError|InputError|AccessDenied|not authorized|UnauthorizedOperation|NoSuchBucket"
    r"|SyntaxError|ModuleNotFoundError|Import(Module)?Error|HandlerNotFound|TypeError|AttributeError|NameError|KeyError|ValueError"
)
# What a bigger engine would carry.
TOO_LARGE = re.compile(
    r"Task timed out|MemoryError|OutOfMemory|Out of Memory|Runtime\.ExitError|signal: killed|No space left",
    re.I,
)
STOPPED = "STOPPED"


@dataclass(frozen=True)
class Failure:
    """What is known of a job that failed."""

    cause: str
    state: str = "FAILED"  # FAILED, TIMEOUT or STOPPED, as Glue calls them


@dataclass(frozen=True)
class Verdict:
    retry: bool
    why: str
    larger_engine: bool = False


def judge_failure(failure: Failure, attempt: int, max_attempts: int) -> Verdict:
    """`attempt` is the one that failed, from 1."""
    if failure.state == STOPPED:
        return Verdict(False, "somebody stopped it")
    if lasting := LASTING.search(failure.cause):
        return Verdict(False, f"{lasting[0]} does not pass by itself")
    if attempt >= max_attempts:
        return Verdict(False, f"it failed {attempt} times")
    return Verdict(True, "it may pass", larger_engine=bool(TOO_LARGE.search(failure.cause)))
