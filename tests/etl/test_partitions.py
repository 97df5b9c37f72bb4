"""One object for each wanted value, whichever writer made it, and no folder for each on the way there."""

from pathlib import Path

import duckdb

from etl.engines.duckdb_engine import DuckDbEngine
from etl.storage import LocalStorage

DAYS = [f"2024-01-{day:02d}" for day in range(1, 21)]


def test_each_day_has_its_own_rows_and_a_day_without_rows_an_empty_object(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    engine = DuckDbEngine(work)
    rows = "select i as n, date '2024-01-01' + (i % 19)::int as order_date from range(1900) as t(i)"
    engine.put_partitions(rows, "order_date", DAYS, LocalStorage(tmp_path / "lake"), "{}.parquet".format, "x")
    assert list(work.rglob("*=*")) == []
    engine.close()
    with duckdb.connect() as connection:
        found = {
            day: connection.execute(
                f"select count(*), min(n), max(n) from '{tmp_path}/lake/{day}.parquet'"
            ).fetchone()
            for day in DAYS
        }
        columns = connection.execute(f"select * from '{tmp_path}/lake/{DAYS[0]}.parquet'").description
    assert found == {
        **{day: (100, i, 1881 + i) for i, day in enumerate(DAYS[:19])},
        DAYS[19]: (0, None, None),
    }
    assert [name for name, *_ in columns] == ["n"]
