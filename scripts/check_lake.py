"""Check the lake's tables as they stand: `python -m scripts.check_lake --stage local`, exit 1 if one fails.

The checks run where they do after every load, in their Lambda, against the latest report and the ledger.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from etl.athena_checks import table
from scripts.deployment import settings
from scripts.deployment.cli import connect, reported
from scripts.deployment.invocation import call


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.check_lake", description=__doc__)
    parser.add_argument("--stage", default="local")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = settings.load(options.stage)
        result = call(connect(stage), stage, "check-etl-run", {})
        print(f"tables as published by {result['runId']}")
        print(table(result["findings"]))
        return 0 if result["passed"] else 1

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
