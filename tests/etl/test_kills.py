"""kill -9 before every single write of a run, and the run again: the tables of a run left in peace."""

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from etl import storage
from etl.manifest import Manifest
from etl.pipeline import run
from tests.etl.builders import csv_file, customers_file, line, manifest_of
from tests.etl.kills import points_of
from tests.etl.lake import Lake

ROOT = Path(__file__).parents[2]
# A handful of rows is not worth compiling for.
QUICK = (
    "--driver-memory 1g --conf spark.sql.codegen.wholeStage=false "
    "--driver-java-options '-XX:TieredStopAtLevel=1 -XX:-UsePerfData' pyspark-shell"
)


def mortal_run(plan: Path, fatal: int | str, engine: str = "duckdb") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.etl.kills", str(plan), str(fatal), engine]
    env = os.environ | {"PYSPARK_SUBMIT_ARGS": QUICK}
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=240
    )


@pytest.fixture
def stage(tmp_path: Path) -> tuple[Path, Manifest]:
    """A lake with one run in it, and a second run that moves an order to another day and rejects a line."""
    first = [line("1"), line("2", order_date="2024-01-16", customer_id="C002")]
    second = [line("1", order_date="2024-01-17", price="4.00"), line("3", quantity="x"), line("4")]
    run(manifest_of(tmp_path / "before", customers_file(tmp_path), csv_file(tmp_path / "a.csv", first)))
    late = csv_file(tmp_path / "customers2.csv", [{"customer_id": "C009", "name": "Late"}], 2, "customers")
    files = (csv_file(tmp_path / "b.csv", second, 2), late)
    return tmp_path, manifest_of(tmp_path / "lake", *files, run_id="run-2", sweep_after_hours=0)


def plan_for(folder: Path, manifest: Manifest, number: int) -> tuple[Path, Path]:
    lake = folder / f"lake-{number}"
    shutil.copytree(folder / "before", lake)
    plan = folder / f"plan-{number}.json"
    body = json.loads(manifest.to_json())
    body |= {"output": str(lake), "quarantine": str(lake / "quarantine")}
    plan.write_text(json.dumps(body))
    return plan, lake


def test_a_run_killed_before_any_of_its_writes_and_run_again_gives_the_same_tables(
    stage: tuple[Path, Manifest],
) -> None:
    folder, manifest = stage
    plan, lake = plan_for(folder, manifest, 0)
    points = points_of(plan)
    expected = Lake(lake).tables()
    assert set(points) == set(storage.POINTS) - {"catalog"}

    def die_and_run_again(number: int) -> tuple[object, ...]:
        plan, lake = plan_for(folder, manifest, number)
        died = mortal_run(plan, number)
        assert died.returncode == -signal.SIGKILL, died.stderr
        half = Lake(lake).daily_sales()  # whatever the moment, a reader can read
        assert half
        points_of(plan)
        return Lake(lake).tables()

    with ThreadPoolExecutor(2) as pool:
        for number, found in enumerate(pool.map(die_and_run_again, range(1, len(points) + 1)), 1):
            assert found == expected, f"killed before write {number}, {points[number - 1]}"


def test_a_run_that_died_after_its_commit_is_finished_by_whatever_run_comes_next(
    stage: tuple[Path, Manifest],
) -> None:
    folder, manifest = stage
    plan, lake = plan_for(folder, manifest, 0)
    points = points_of(plan)
    expected = Lake(lake).tables()
    plan, lake = plan_for(folder, manifest, 1)
    mortal_run(plan, points.index("daily_sales") + 1)
    assert Lake(lake).tables() != expected
    run(manifest_of(lake, run_id="run-3"))
    assert Lake(lake).tables() == expected


@pytest.mark.spark
@pytest.mark.slow
def test_a_spark_run_killed_while_its_executors_write_silver_and_run_again_gives_the_same_tables(
    stage: tuple[Path, Manifest],
) -> None:
    pytest.importorskip("pyspark")
    folder, manifest = stage
    plan, lake = plan_for(folder, manifest, 0)
    points_of(plan)
    expected = Lake(lake).tables()
    plan, lake = plan_for(folder, manifest, 1)
    before = Lake(lake).tables()
    died = mortal_run(plan, "silver sales", "spark")
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert Lake(lake).tables() == before
    points_of(plan)  # the engine of a second attempt may be another
    assert Lake(lake).tables() == expected
