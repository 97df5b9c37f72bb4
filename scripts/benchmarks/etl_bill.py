"""What 1,000 small files cost: one Glue job for each against batches in the small-batch Lambda or one job."""

from collections.abc import Iterator

from scripts import prices as price_list

FILES = 1_000
BATCHES = 10  # while a run is on, arrivals gather for the next one
MEMORY_GB = 4.0
DPUS = 2  # Spark on Glue has at least a driver and one worker
LEAST_SECONDS = 60  # Glue bills at least a minute
START_SECONDS = 3.0  # of the Lambda: package, import, state


def bill(duckdb_seconds: float, spark_seconds: float, rows: int) -> Iterator[str]:
    """Lines in US dollars; the seconds are walls measured here for `rows` rows, spread over the files."""
    table, prices = price_list.table(), price_list.prices()
    hour = prices["glue_dpu_hour"]

    def glue(runs: int, seconds: float) -> float:
        return runs * DPUS * max(LEAST_SECONDS, seconds) / 3600 * hour

    seconds = BATCHES * START_SECONDS + duckdb_seconds
    small = BATCHES * prices["lambda_request"] + seconds * MEMORY_GB * prices["lambda_gb_second"]
    yield f"{FILES:,} files of {rows // FILES:,} rows, prices of {table['read']} in {table['region']}:"
    yield f"  one Glue job a file, {DPUS} DPU, billed a minute at least   {glue(FILES, 0):10.4f} USD"
    yield f"  one Glue job for all of them                      {glue(1, spark_seconds):10.4f} USD"
    yield f"  {BATCHES} batches in a Lambda of {MEMORY_GB:g} GB                    {small:10.4f} USD"
