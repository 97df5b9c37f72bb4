"""The ETL job: args, read, validate, transform, write, report. `python -m etl.job`, or a Glue job's script."""

import sys
from collections.abc import Sequence
from dataclasses import replace

from etl.arguments import Arguments, parse
from etl.engines import open_engine
from etl.errors import EtlError
from etl.manifest import Manifest, local_manifest, parse_manifest
from etl.pipeline import run
from etl.report import Report
from etl.storage import read_url


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for unusable input, 3 for too many rejects, 1 for any other refusal."""
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
        report = execute(arguments)
    except EtlError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print("\n".join(report.lines()))
    return 0


def execute(arguments: Arguments) -> Report:
    manifest = manifest_of(arguments)
    with open_engine(arguments.engine) as engine:
        report = run(manifest, engine=engine)
    if arguments.report:
        arguments.report.parent.mkdir(parents=True, exist_ok=True)
        arguments.report.write_text(report.to_json(), encoding="utf-8")
    return report


def manifest_of(arguments: Arguments) -> Manifest:
    """What to read, from whichever way it was said."""
    if arguments.manifest:
        manifest = parse_manifest(read_url(arguments.manifest))
        manifest = replace(manifest, as_of=arguments.as_of or manifest.as_of)
    else:
        assert arguments.output is not None
        manifest = local_manifest(
            arguments.sales, arguments.customers, arguments.output, arguments.as_of, arguments.run_id
        )
    if arguments.max_quarantined_share is not None:
        options = {**manifest.options, "max_quarantined_share": arguments.max_quarantined_share}
        manifest = replace(manifest, options=options)
    return manifest


if __name__ == "__main__":
    sys.exit(main())
