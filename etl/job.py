"""The ETL job: args, read, validate, transform, write, report; `python -m etl.job` or a Glue script."""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from etl.arguments import Arguments, parse
from etl.catalog import Catalog, GlueCatalog, NoCatalog
from etl.engines import open_engine
from etl.errors import EtlError
from etl.glue import catalog_manifest, glue_job
from etl.manifest import Manifest, local_manifest, parse_manifest
from etl.pipeline import run
from etl.report import Report
from etl.storage import read_url
from etl.told import is_interrupt, told

INTERRUPTED = 130  # as a shell says it of SIGINT


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 for unusable input, 3 for too many rejects, 130 for Ctrl-C, 1 for any other refusal.

    As a Glue job it raises instead: Glue shows the error's class and message as the run's ErrorMessage.
    """
    argv = sys.argv[1:] if argv is None else argv
    arguments = parse(argv)
    try:
        with glue_job(arguments.job_name, argv):
            report = execute(arguments)
    except (Exception, KeyboardInterrupt) as error:
        sentence = told(error)
        if arguments.job_name or sentence is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        if is_interrupt(error):
            return INTERRUPTED
        return error.exit_code if isinstance(error, EtlError) else 1
    _print(report.lines())
    return 0


def _print(lines: Iterable[str]) -> None:
    """What is published is published: a reader that has gone away, such as `head`, is no failure."""
    try:
        print("\n".join(lines), flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def execute(arguments: Arguments) -> Report:
    manifest = manifest_of(arguments)
    with open_engine(arguments.engine) as engine:
        report = run(manifest, engine=engine, catalog=catalog_of(manifest))
    if arguments.report:
        arguments.report.parent.mkdir(parents=True, exist_ok=True)
        arguments.report.write_text(report.to_json(), encoding="utf-8")
    return report


def manifest_of(arguments: Arguments) -> Manifest:
    """What to read, from whichever way it was said."""
    if arguments.manifest:
        manifest = parse_manifest(read_url(arguments.manifest))
        manifest = replace(manifest, as_of=arguments.as_of or manifest.as_of)
    elif arguments.database_name:
        run_id = arguments.run_id or datetime.now(UTC).strftime("catalog-%Y%m%dT%H%M%SZ")
        manifest = catalog_manifest(
            arguments.database_name, arguments.table_prefix, arguments.output or "", run_id, arguments.as_of
        )
    else:
        manifest = local_manifest(
            arguments.sales,
            arguments.customers,
            arguments.output or "",
            arguments.as_of,
            arguments.run_id,
        )
    given = {"max_quarantined_share": arguments.max_quarantined_share, "currency": arguments.currency}
    said = {name: value for name, value in given.items() if value is not None}
    return replace(manifest, options={**manifest.options, **said})


def catalog_of(manifest: Manifest) -> Catalog:
    return GlueCatalog(manifest.database) if manifest.database else NoCatalog()


if __name__ == "__main__":
    # Glue takes an exit for a failure even with code 0.
    if code := main():
        sys.exit(code)
