"""The job's arguments: files on the command line, or a manifest or catalog tables in Glue's style."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from etl.errors import InputError
from etl.options import usable_options


@dataclass(frozen=True)
class Arguments:
    engine: str
    sales: tuple[str, ...]
    customers: tuple[str, ...]
    output: str | None
    report: Path | None
    as_of: date | None
    run_id: str | None
    manifest: str | None
    database_name: str | None
    table_prefix: str | None
    job_name: str | None
    max_quarantined_share: float | None
    currency: str | None


def parse(argv: Sequence[str]) -> Arguments:
    """Glue adds arguments of its own (--JOB_ID, --TempDir, …): with --JOB_NAME unknown ones are let be."""
    parser = _parser()
    known, rest = parser.parse_known_args(list(argv))
    if rest and known.job_name is None:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if not (known.sales or known.customers or known.manifest or known.database_name):
        parser.error("nothing to read: give --sales, --customers, --manifest or --database_name")
    if not known.manifest and not known.output:
        parser.error("--output is needed")
    return Arguments(
        engine=known.engine or ("spark" if known.job_name else "duckdb"),
        sales=tuple(known.sales),
        customers=tuple(known.customers),
        output=known.output,
        report=known.report,
        as_of=known.as_of,
        run_id=known.run_id,
        manifest=known.manifest,
        database_name=known.database_name,
        table_prefix=known.table_prefix,
        job_name=known.job_name,
        max_quarantined_share=known.max_quarantined_share,
        currency=known.currency,
    )


def _share(text: str) -> float:
    try:
        value = float(text)
        usable_options({"max_quarantined_share": value})
    except (ValueError, InputError) as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1") from error
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="etl.job", description="Sales and customer files become tables.", allow_abbrev=False
    )
    parser.add_argument("--engine", choices=("duckdb", "spark"))
    parser.add_argument("--sales", nargs="*", default=[], metavar="PATH")
    parser.add_argument("--customers", nargs="*", default=[], metavar="PATH")
    parser.add_argument("--output", "--output_path", dest="output", metavar="DIR")
    parser.add_argument("--report", type=Path, metavar="FILE")
    parser.add_argument("--as-of", "--as_of", dest="as_of", type=date.fromisoformat, metavar="DATE")
    parser.add_argument("--run-id", "--run_id", dest="run_id")
    parser.add_argument("--max-quarantined-share", type=_share, metavar="SHARE", help="from 0 to 1")
    parser.add_argument("--currency", metavar="CODE", help="reject rows that name another currency")
    parser.add_argument("--manifest", metavar="URL", help="a run's manifest, local or in S3")
    parser.add_argument("--JOB_NAME", dest="job_name", help=argparse.SUPPRESS)
    parser.add_argument("--database_name", help="read the tables of this Glue database")
    parser.add_argument("--table_prefix", help="only tables of this prefix")
    return parser
