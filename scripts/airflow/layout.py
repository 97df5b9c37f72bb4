"""Builds what MWAA takes from its bucket: `python -m scripts.airflow.layout out/mwaa`.

dags/ with the constraints, plugins.zip (the operators, wheels if any, and `chalicelib.names`, so that no
name is made twice), requirements.txt.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from scripts.deployment.settings import ROOT

SOURCE = ROOT / "etl" / "airflow"
APP = ROOT / "orders_app"
SHARED = ("chalicelib/__init__.py", "chalicelib/names.py")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content is the same zip


def build(target: Path) -> Path:
    """Writes the layout anew into `target`; answers it."""
    shutil.rmtree(target, ignore_errors=True)
    (target / "dags").mkdir(parents=True)
    for pattern in ("*.py", "constraints.txt"):
        for file in sorted((SOURCE / "dags").glob(pattern)):
            shutil.copy(file, target / "dags")
    shutil.copy(SOURCE / "requirements.txt", target)
    with zipfile.ZipFile(target / "plugins.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(plugins().items()):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return target


def plugins() -> dict[str, Path]:
    """What plugins.zip holds: MWAA unpacks it to a folder that is on the import path."""
    found = [*(SOURCE / "plugins").glob("*.py"), *(SOURCE / "plugins").glob("*.whl")]
    own = {path.name: path for path in found}
    return own | {name: APP / name for name in SHARED}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.airflow.layout", description=__doc__)
    parser.add_argument("target", nargs="?", type=Path, default=ROOT / "out" / "mwaa")
    target = build(parser.parse_args(argv).target)
    for path in sorted(path for path in target.rglob("*") if path.is_file()):
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
