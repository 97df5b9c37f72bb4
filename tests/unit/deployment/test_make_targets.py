"""Targets that change a stage ask for their variables before they do or install anything."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NEEDED = {
    "publish": ("STAGE", "VERSION", "ARTIFACT_BUCKET"),
    "deploy": ("STAGE",),
    "delete": ("STAGE",),
}


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "Makefile", folder)
    given = {"STAGE", "VERSION", "ARTIFACT_BUCKET", "LAYER", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    environment = {name: value for name, value in os.environ.items() if name not in given}
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("target", NEEDED)
def test_target_names_every_variable_that_is_missing(target: str, tmp_path: Path) -> None:
    done = make(tmp_path, target)
    assert done.returncode == 2
    assert f"{target} needs {' '.join(NEEDED[target])}:" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]


def test_only_what_is_missing_is_named(tmp_path: Path) -> None:
    done = make(tmp_path, "publish", "STAGE=prod", "VERSION=1.0.0")
    assert "publish needs ARTIFACT_BUCKET:" in done.stderr


def test_bucket_is_made_for_a_stage_only(tmp_path: Path) -> None:
    assert "setup needs STAGE:" in make(tmp_path, "setup", "ARTIFACT_BUCKET=code").stderr


@pytest.mark.parametrize("target", NEEDED)
def test_target_runs_with_its_variables(target: str) -> None:
    given = [f"{name}=x" for name in NEEDED[target]]
    done = subprocess.run(["make", "-n", target, *given], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--stage x" in done.stdout


def planned(*arguments: str) -> str:
    given = {name: value for name, value in os.environ.items() if name not in ("STAGE", "MAKEFLAGS")}
    return subprocess.run(
        ["make", "-n", *arguments], cwd=ROOT, env=given, capture_output=True, text=True, check=True
    ).stdout


def test_prod_is_packaged_unless_a_stage_is_named() -> None:
    assert "scripts.package --stage prod" in planned("package")
    assert "scripts.package --stage dev" in planned("package", "STAGE=dev")
    assert "scripts.package --stage local" in planned("package", "STAGE=local"), "which it refuses"


def test_what_cannot_be_published_is_not_packaged_first() -> None:
    said = planned("publish", "STAGE=prod", "VERSION=1.0.0", "ARTIFACT_BUCKET=code")
    assert said.index("--check") < said.index("scripts.package")


def test_browser_tests_without_a_browser_say_what_to_install() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.browser.chromium"],
        cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "apt-get install chromium" in done.stderr


@pytest.mark.parametrize("file", [".ci/run", ".github/workflows/ci.yml"])
def test_what_must_pass_to_land_is_run_once(file: str) -> None:
    """A test that passes the second time is no proof."""
    text = (ROOT / file).read_text()
    for target in ("lint", "test", "test-browser"):
        assert re.findall(rf"make ({target})(?![\w-])", text) == [target]
    assert "lastfailed" not in text


def test_database_that_is_asked_for_is_made() -> None:
    assert "--create-database" in planned("deploy", "STAGE=dev", "CREATE_DATABASE=1")
    assert "--create-database" not in planned("deploy", "STAGE=dev")
