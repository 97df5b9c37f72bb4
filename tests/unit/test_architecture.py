"""Imports run one way: handlers → services → domain; adapters serve ports; bootstrap sees everything."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APP = ROOT / "orders_app" / "chalicelib"
SHARED = {"names", "logs", "metrics"}  # may be used by every room above the domain
ALLOWED = {
    "domain": {"domain"},
    "services": {"services", "domain", "config"} | SHARED,
    "adapters": {"adapters", "services", "domain"} | SHARED,
    "handlers": {
        "handlers",
        "services",
        "domain",
        "config",
        "bootstrap",
        "pipeline_bootstrap",
        "pipeline_config",
        "messages_bootstrap",
        "reports_bootstrap",
    }
    | SHARED,
}
VENDORS = {"boto3", "botocore", "chalice", "psycopg", "msgspec", "duckdb", "awswrangler"}


def imports(file: Path, *, top_only: bool = False) -> Iterator[str]:
    """The full names of what a file imports; with `top_only` just what importing the file itself loads."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in tree.body if top_only else ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files(room: str) -> list[Path]:
    return sorted((APP / room).rglob("*.py"))


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_the_rooms_below_it(room: str) -> None:
    for file in files(room):
        for name in imports(file):
            if name.startswith("chalicelib."):
                assert name.split(".")[1] in ALLOWED[room], f"{file.relative_to(ROOT)} imports {name}"


def test_the_domain_needs_the_standard_library_only() -> None:
    for file in files("domain"):
        for name in imports(file):
            top = name.split(".")[0]
            assert top == "chalicelib" or top in sys.stdlib_module_names, f"{file.name} imports {name}"


@pytest.mark.parametrize("room", ["domain", "services"])
def test_no_vendor_and_no_environment_in_the_core(room: str) -> None:
    for file in files(room):
        used = {name.split(".")[0] for name in imports(file)}
        assert not used & VENDORS, f"{file.relative_to(ROOT)} imports {used & VENDORS}"
        assert "environ" not in file.read_text(encoding="utf-8"), f"{file} reads the environment"


def test_nothing_slow_is_imported_before_it_is_needed() -> None:
    # pipeline_adapters is what pipeline_bootstrap imports late, as bootstrap does with the adapters.
    wirings = [file for file in APP.glob("*.py") if file.stem != "pipeline_adapters"]
    top_files = [*files("handlers"), *wirings, ROOT / "orders_app" / "app.py"]
    for file in top_files:
        slow = {
            n for n in imports(file, top_only=True) if n.split(".")[0] in VENDORS - {"chalice", "msgspec"}
        }
        assert not slow, f"{file.relative_to(ROOT)} imports {slow} at its top"
        for name in imports(file, top_only=True):
            assert not name.startswith("chalicelib.adapters"), f"{file.name} imports {name} at its top"


def test_the_rule_would_notice(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("import os\nfrom psycopg import Connection\n\ndef late():\n    import boto3\n")
    assert list(imports(file)) == ["os", "psycopg.Connection", "boto3"]
    assert list(imports(file, top_only=True)) == ["os", "psycopg.Connection"]
