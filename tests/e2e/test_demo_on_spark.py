"""The same demo with Spark as the engine: minutes, not seconds, and only where Spark is installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.local_run.environment import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.spark]


def test_the_demos_tables_come_from_spark_when_it_is_asked_for(tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    done = subprocess.run(
        [sys.executable, "-m", "scripts.local_run", "demo", "--engine", "spark"],
        cwd=ROOT,
        env={**os.environ, "ORDERS_LOCAL_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sales = json.loads((tmp_path / "demo.json").read_text())["sales"]
    assert sales["engines"] == ["spark"]
    assert sum(int(row["daily_orders"]) for row in sales["daily_sales"] if row["order_date"] < "2025") == 10
