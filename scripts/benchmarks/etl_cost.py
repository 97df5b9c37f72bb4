"""What a thousand small files cost on AWS: our runs against one Glue job per file, as the seed starts them.

`python -m scripts.benchmarks.etl_cost [--files 1000] [--per-run 20] [--seconds 15]`. The billing rules are
exact, the seconds are the caller's: a run of the small-batch Lambda of this many files takes what
`etl-small-batch` logs, a Glue job on G.1X at least a minute. Prices are those of `scripts/prices.json`.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from scripts.prices import usd

DPU_HOUR, GB_SECOND, LAMBDA_REQUEST, PUT, GET = (
    Decimal(str(usd(name)))
    for name in ("glue_dpu_hour", "lambda_gb_second", "lambda_request", "s3_put", "s3_get")
)
CRAWLER_MINUTES = 10  # a crawl is billed for ten minutes at least
LAMBDA_GB = 4
SMALLEST_JOB = 2  # workers


@dataclass(frozen=True)
class Bill:
    """Dollars by what they are paid for."""

    compute: Decimal
    crawls: Decimal
    requests: Decimal

    @property
    def total(self) -> Decimal:
        return self.compute + self.crawls + self.requests


def job_per_file(files: int, seconds: int = 60) -> Bill:
    """Two G.1X workers, a minute at least, and a crawl after each: nothing is shared between files."""
    billed = max(60, seconds)
    compute = files * SMALLEST_JOB * billed * DPU_HOUR / 3600
    return Bill(compute, files * crawl(), files * (10 * PUT + 5 * GET))


def one_run(files: int, per_run: int, seconds: int) -> Bill:
    """Our way: many arrivals make one run, small ones in the Lambda; one crawl a run."""
    runs = math.ceil(files / per_run)
    arrivals = files * (LAMBDA_REQUEST + GB_SECOND * Decimal("0.25") / 10)
    compute = runs * (seconds * LAMBDA_GB * GB_SECOND + LAMBDA_REQUEST) + arrivals
    objects = 20 + 2 * per_run  # of gold, silver, state and report; of input
    return Bill(compute, runs * crawl(), runs * (objects * PUT + objects * GET))


def crawl() -> Decimal:
    return CRAWLER_MINUTES * 60 * DPU_HOUR / 3600


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.benchmarks.etl_cost", description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--per-run", type=int, default=20, help="files that one run takes")
    parser.add_argument("--seconds", type=int, default=15, help="of the Lambda for one run")
    options = parser.parse_args(argv)
    seed = job_per_file(options.files)
    ours = one_run(options.files, options.per_run, options.seconds)
    alone = one_run(options.files, 1, options.seconds)
    print(f"{options.files} files on AWS, us-east-1, $")
    print(f"  {'':34} {'compute':>9} {'crawls':>9} {'requests':>9} {'total':>9}")
    rows = (
        ("one Glue job and crawl per file", seed),
        (f"ours, {options.per_run} files a run", ours),
        ("ours, every file alone", alone),
    )
    for name, bill in rows:
        figures = (bill.compute, bill.crawls, bill.requests, bill.total)
        print(f"  {name:34} " + " ".join(f"{figure:9.2f}" for figure in figures))
    print(f"  the seed's way costs {seed.total / ours.total:.0f} times as much")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
