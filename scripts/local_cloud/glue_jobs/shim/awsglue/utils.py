"""getResolvedOptions.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-crawler-pyspark-extensions-get-resolved-options.html
"""

from collections.abc import Sequence


class GlueArgumentError(Exception):
    """A required option is missing."""


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, str]:
    """The named options out of argv, as `--name value` or `--name=value`; JOB_NAME and the ids come along."""
    given = _read(args[1:])
    missing = [f"--{name}" for name in options if name not in given]
    if missing:
        raise GlueArgumentError(f"the following arguments are required: {', '.join(missing)}")
    always = {"JOB_ID", "JOB_RUN_ID", "JOB_NAME", "SECURITY_CONFIGURATION", "TempDir"}
    return {name: value for name, value in given.items() if name in {*options, *always}}


def _read(args: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(args):
        name, equals, value = args[position].partition("=")
        position += 1
        if not name.startswith("--"):
            continue
        if not equals and position < len(args) and not args[position].startswith("--"):
            value = args[position]
            position += 1
        found[name[2:]] = value
    return found
