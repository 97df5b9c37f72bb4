"""A lake in a directory, read as an analyst would: through its Parquet files."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from etl.state import load_state
from etl.storage import LocalStorage


@dataclass(frozen=True)
class Lake:
    root: Path

    def daily_sales(self) -> list[tuple[Any, ...]]:
        return self._read(
            "daily_sales/*/*.parquet", "order_date, region, daily_revenue, daily_orders, unique_customers"
        )

    def customer_metrics(self) -> list[tuple[Any, ...]]:
        return self._read(
            "customer_metrics/*.parquet",
            "customer_id, name, status, total_spent, total_orders, avg_order_value",
        )

    def revenue(self) -> Decimal:
        return sum((row[2] for row in self.daily_sales()), Decimal(0))

    def silver(self, columns: str = "* exclude (source, source_version)") -> list[tuple[Any, ...]]:
        paths = [str(self.root / key) for key in load_state(LocalStorage(self.root)).sales.values()]
        if not paths:
            return []
        return self._query(
            f"select {columns} from read_parquet({paths}, hive_partitioning = false) order by all"
        )

    def tables(self) -> tuple[list[tuple[Any, ...]], ...]:
        silver = self.silver()
        state = load_state(LocalStorage(self.root))
        assert state.sales_rows in (None, len(silver))
        assert state.sizes == {key: (self.root / key).stat().st_size for key in sorted(state.keys())}
        return self.daily_sales(), self.customer_metrics(), silver

    def _read(self, pattern: str, columns: str) -> list[tuple[Any, ...]]:
        if not list(self.root.glob(pattern)):
            return []
        found = f"read_parquet('{self.root / pattern}', hive_partitioning = true)"
        return self._query(f"select {columns} from {found} order by all")

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect() as connection:
            return connection.execute(sql).fetchall()
