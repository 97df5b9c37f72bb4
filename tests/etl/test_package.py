"""The packages of the data path: their contents, their size, and that the Lambda one runs by itself."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.package_etl import LIMIT, build, layer_arn

ROOT = Path(__file__).parents[2]
AWSWRANGLER_LAYER = 215 * 1024 * 1024


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    output = tmp_path_factory.mktemp("packages")
    return {str(path): size for path, size in build(output, f"3.{sys.version_info.minor}", here=True)}


def test_the_small_batch_lambda_unzips_to_less_than_a_third_of_what_lambda_takes(
    packages: dict[str, int],
) -> None:
    size = next(size for path, size in packages.items() if path.endswith("etl-small-batch.zip"))
    assert size < LIMIT / 3


def test_the_checks_lambda_leaves_room_for_its_layer(packages: dict[str, int]) -> None:
    size = next(size for path, size in packages.items() if path.endswith("etl-checks.zip"))
    assert size + AWSWRANGLER_LAYER < LIMIT
    assert layer_arn("eu-west-1", "3.12", "arm64").startswith(
        "arn:aws:lambda:eu-west-1:336392948345:layer:AWSSDKPandas-Python312-Arm64:"
    )


def test_the_same_sources_make_the_same_zip(tmp_path: Path) -> None:
    first, second = (next(build(tmp_path / name, "3.12"))[0].read_bytes() for name in ("a", "b"))
    assert first == second


def test_the_duckdb_way_runs_on_the_package_alone(packages: dict[str, int], tmp_path: Path) -> None:
    """No pyarrow, numpy or pandas, not DuckDB's Python around its engine, no extension from the net.

    -S leaves out every installed package.
    """
    zipped = next(path for path in packages if path.endswith("etl-small-batch.zip"))
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(tmp_path / "task")
    samples = ROOT / "etl" / "samples"
    code = (
        "import sys; from etl.job import main\n"
        f"code = main(['--sales', {str(samples / 'sales_data.csv')!r}, '--customers',"
        f" {str(samples / 'customer_data.csv')!r}, '--output', {str(tmp_path / 'lake')!r},"
        f" '--report', {str(tmp_path / 'report.json')!r}])\n"
        "assert not {'pyarrow', 'numpy', 'pandas', 'duckdb'} & set(sys.modules), 'not alone'\n"
        "sys.exit(code)"
    )
    command = [
        sys.executable,
        "-S",
        "-I",
        "-c",
        f"import sys; sys.path.insert(0, {str(tmp_path / 'task')!r})\n{code}",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "report.json").read_text())["accepted"] == 17
