"""Take files in again: `python -m scripts.reingest [--stage S] --run RUN_ID | --scan | --corrected FILE…`.

`--max-quarantined-share 0.5` beside `--run` or `--scan`: the run that starts now may reject so much.

`--run`: the files of a run that failed; `--without KEY…` beside it leaves these out, and waiting.
`--scan`: what lies in raw-data/ and nobody announced.
`--corrected`: rejects from quarantine/, corrected by hand; they become a new raw file and keep their places.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from chalicelib import names
from scripts.deployment import settings
from scripts.deployment.cli import connect, environment, reported
from scripts.deployment.invocation import call


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.reingest", description=__doc__)
    parser.add_argument("--stage", default="local")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--run", metavar="RUN_ID")
    what.add_argument("--scan", action="store_true")
    what.add_argument("--corrected", nargs="+", metavar="FILE")
    parser.add_argument(
        "--kind", choices=("sales", "customers"), help="of --corrected, in place of what its columns say"
    )
    parser.add_argument("--without", nargs="+", metavar="KEY", help="files of --run that stay out")
    parser.add_argument("--max-quarantined-share", type=float, metavar="SHARE")
    options = parser.parse_args(argv)
    if options.without and not options.run:
        parser.error("--without needs --run")

    def run() -> int:
        stage = settings.load(options.stage)
        session = connect(stage)
        if options.corrected:
            return _corrected(stage, options.corrected, options.kind)
        payload = {"runId": options.run} if options.run else {"scan": True}
        if options.without:
            payload["without"] = options.without
        if options.max_quarantined_share is not None:
            payload["maxQuarantinedShare"] = options.max_quarantined_share
        result = call(session, stage, "reingest-files", payload)
        started = f", run {result['startedRun']} takes them" if result["startedRun"] else ""
        print(f"{result['files']} file(s) are pending again{started}")
        if options.max_quarantined_share is not None and not result["startedRun"]:
            print("error: no run was started, so the share holds for none: try again", file=sys.stderr)
            return 1
        return 0

    return reported(run)


def _corrected(stage: settings.StageSettings, files: Sequence[str], kind: str | None) -> int:
    from etl.reingest import main as reingest

    os.environ.update(environment(stage))  # etl makes its own clients
    lake = names.bucket("order-lake", stage.stage, stage.account)
    return reingest([*files, "--output", f"s3://{lake}/raw-data", *(["--kind", kind] if kind else [])])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
