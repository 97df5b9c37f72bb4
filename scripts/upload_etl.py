"""Put the ETL's packages where Glue and Lambda take them: `python -m scripts.upload_etl --stage local`.

Between `provision`, which makes the bucket, and `register`, which makes the Lambdas.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts import package_etl
from scripts.deployment import etl_code, settings
from scripts.deployment.calls import Session
from scripts.deployment.cli import connect, reported
from scripts.deployment.settings import StageSettings


def apply(stage: StageSettings, session: Session, python: str = "3.12") -> dict[str, str]:
    """Build and upload; answers the bindings' parameters."""
    with tempfile.TemporaryDirectory() as folder:
        return etl_code.upload(stage, session, built(stage, Path(folder), python))


def built(stage: StageSettings, folder: Path, python: str) -> list[Path]:
    """The packages. On this machine they hold our code alone: the workers have the rest from .venv."""
    if stage.is_local:
        return list(_sources(folder))
    for _ in package_etl.build(folder, python):
        pass
    return sorted(folder.iterdir())


def _sources(folder: Path) -> Iterator[Path]:
    job = folder / "job.py"
    job.write_bytes((package_etl.ROOT / "etl" / "job.py").read_bytes())
    yield job
    for name in ("etl.zip", "etl-checks.zip", "etl-small-batch.zip"):
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted((package_etl.ROOT / "etl").rglob("*.py")):
                archive.write(path, path.relative_to(package_etl.ROOT))
        yield folder / name


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.upload_etl", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--python", choices=sorted(package_etl.LAYER_VERSIONS), default="3.12")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = settings.load(options.stage)
        for name, key in apply(stage, connect(stage), options.python).items():
            print(f"{name}: {key}")
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
