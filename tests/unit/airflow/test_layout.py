"""MWAA's folder: what the environment reads from its bucket, complete without the rest of the repository."""

import re
import zipfile
from pathlib import Path

from scripts.airflow import layout

ROOT = Path(__file__).resolve().parents[3]


def test_layout_is_what_mwaa_reads(tmp_path: Path) -> None:
    built = layout.build(tmp_path / "mwaa")
    found = {str(path.relative_to(built)) for path in built.rglob("*") if path.is_file()}
    assert found == {"dags/etl_pipeline.py", "dags/constraints.txt", "plugins.zip", "requirements.txt"}


def test_environment_starts_without_the_internet(tmp_path: Path) -> None:
    """https://docs.aws.amazon.com/mwaa/latest/userguide/best-practices-dependencies.html"""
    built = layout.build(tmp_path / "mwaa")
    required = (built / "requirements.txt").read_text()
    assert "--no-index" in required.splitlines()
    assert "://" not in required
    (constraints,) = re.findall(r'^--constraint "/usr/local/airflow/(\S+)"$', required, re.M)
    assert (built / constraints).is_file()
    packages = [line for line in required.splitlines() if re.match(r"[a-z]", line)]
    assert packages == ["apache-airflow-providers-amazon"], "in the image; another one needs its wheels"


def test_plugins_bring_the_operators_and_the_names(tmp_path: Path) -> None:
    built = layout.build(tmp_path / "mwaa")
    with zipfile.ZipFile(built / "plugins.zip") as archive:
        assert set(archive.namelist()) == {"etl_operators.py", *layout.SHARED}
        shipped = archive.read("chalicelib/names.py")
    assert shipped == (ROOT / "orders_app" / "chalicelib" / "names.py").read_bytes()


def test_same_sources_make_the_same_plugins(tmp_path: Path) -> None:
    first, second = (layout.build(tmp_path / name) / "plugins.zip" for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


def test_constraints_local_pins_and_page_are_of_one_airflow() -> None:
    constraints = (layout.SOURCE / "dags" / "constraints.txt").read_text()
    pinned = (layout.SOURCE / "requirements-local.txt").read_text()
    (version,) = re.findall(r"^apache-airflow==([\d.]+)$", constraints, re.M)
    assert f"apache-airflow=={version}\n" in pinned
    assert f"`AirflowVersion` | `{version}`" in (ROOT / "docs" / "mwaa.md").read_text()


def test_airflow_is_installed_by_its_own_target_only() -> None:
    makefile = (ROOT / "Makefile").read_text()
    users = re.findall(r"^([a-z-]+):.*\$\(AIRFLOW_READY\)", makefile, re.M)
    assert users == ["airflow-demo"]
    others = [
        ROOT / "requirements-dev.txt",
        *(ROOT / "etl").glob("*.txt"),
        *(ROOT / "orders_app").glob("*.txt"),
    ]
    assert [file.name for file in others if "apache-airflow" in file.read_text()] == []
