"""What a thousand small files cost on AWS: our runs against one Glue job per file, as the seed starts them.

`python -m scripts.benchmarks.etl_cost [--files 1000] [--per-run 20] [--seconds 15]`. The billing rules are
exact, the seconds are the caller's: a run of the small-batch Lambda of this many files takes what
`etl-small-batch` logs, a Glue job on G.1X at least a minute. Prices are those of `scripts/prices.json`.
Totals are told without crawls, too: a crawl's ten minutes outweigh all else, and not everybody crawls.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from scripts.prices import table, usd

DPU_HOUR, GB_SECOND, LAMBDA_REQUEST, PUT, GET = (
    Decimal(str(usd(name)))
    for name in ("glue_dpu_hour", "lambda_gb_second", "lambda_request", "s3_put", "s3_get")
)
CRAWLER_MINUTES = 10  # a crawl is billed for ten minutes at least
LAMBDA_GB = 4
SMALLEST_JOB = 2  # workers
PER_RUN = 20  # while a run is on, arrivals gather for the next one
START_SECONDS = 3.0  # of the Lambda: package, import, state


@dataclass(frozen=True)
class Bill:
    """Dollars by what they are paid for."""

    compute: Decimal
    crawls: Decimal
    requests: Decimal

    @property
    def without_crawls(self) -> Decimal:
        return self.compute + self.requests

    @property
    def total(self) -> Decimal:
        return self.without_crawls + self.crawls


def job_per_file(files: int, seconds: float = 60) -> Bill:
    """Two G.1X workers, a minute at least, and a crawl after each: nothing is shared between files."""
    billed = Decimal(str(max(60, seconds)))
    compute = files * SMALLEST_JOB * billed * DPU_HOUR / 3600
    return Bill(compute, files * crawl(), files * (10 * PUT + 5 * GET))


def one_run(files: int, per_run: int, seconds: float) -> Bill:
    """Our way: many arrivals make one run, small ones in the Lambda; one crawl a run."""
    runs = math.ceil(files / per_run)
    arrivals = files * (LAMBDA_REQUEST + GB_SECOND * Decimal("0.25") / 10)
    compute = runs * (Decimal(str(seconds)) * LAMBDA_GB * GB_SECOND + LAMBDA_REQUEST) + arrivals
    objects = 20 + 2 * per_run  # of gold, silver, state and report; of input
    return Bill(compute, runs * crawl(), runs * (objects * PUT + objects * GET))


def crawl() -> Decimal:
    return CRAWLER_MINUTES * 60 * DPU_HOUR / 3600


def lines(files: int, per_run: int, seconds: float, job_seconds: float = 60) -> Iterator[str]:
    """A table in US dollars; `seconds` are the Lambda's for a run, `job_seconds` of one job for all."""
    seed, ours = job_per_file(files), one_run(files, per_run, seconds)
    listed = (
        ("one Glue job and crawl per file", seed),
        ("one Glue job and crawl for all", job_per_file(1, job_seconds)),
        (f"ours, {per_run} files a run", ours),
        ("ours, every file alone", one_run(files, 1, seconds)),
    )
    yield f"{files:,} files on AWS, {table()['region']}, prices of {table()['read']}, USD:"
    heads = ("compute", "requests", "together", "crawls", "with them")
    yield f"  {'':32} " + " ".join(f"{head:>9}" for head in heads)
    for name, bill in listed:
        figures = (bill.compute, bill.requests, bill.without_crawls, bill.crawls, bill.total)
        yield f"  {name:32} " + " ".join(f"{figure:9.2f}" for figure in figures)
    without, with_ = seed.without_crawls / ours.without_crawls, seed.total / ours.total
    yield f"  the seed's way costs {without:.0f} times as much without crawls, {with_:.0f} times with them"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.benchmarks.etl_cost", description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--per-run", type=int, default=PER_RUN, help="files that one run takes")
    parser.add_argument("--seconds", type=float, default=15, help="of the Lambda for one run")
    options = parser.parse_args(argv)
    print(*lines(options.files, options.per_run, options.seconds), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
