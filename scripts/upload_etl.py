"""Put the ETL's packages where Glue and Lambda take them: `python -m scripts.upload_etl --stage local`.

Between `provision`, which makes the bucket, and `register`, which makes the Lambdas.
"""

from __future__ import annotations

import argparse
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from scripts import package_etl
from scripts.deployment import calls, etl_code, settings
from scripts.deployment.calls import Call, Session
from scripts.deployment.cli import connect, reported
from scripts.deployment.settings import StageSettings


def apply(
    stage: StageSettings, session: Session, python: str = package_etl.RUNNING, layer: str = ""
) -> dict[str, str]:
    """Build and upload what is new; answers the bindings' parameters."""
    planned, chosen = plan(stage, session, python, layer)
    calls.apply(planned, session)
    return chosen


def plan(
    stage: StageSettings, session: Session, python: str = package_etl.RUNNING, layer: str = ""
) -> tuple[list[Call], dict[str, str]]:
    """The uploads and the bindings' parameters; nothing but a temporary folder is touched.

    `layer` is the checks', AWS's own unless given.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = built(stage, Path(folder), python)
        return etl_code.plan(stage, session, files, runtime(stage, python, layer))


def runtime(stage: StageSettings, python: str, layer: str = "") -> dict[str, str]:
    """What the packages were built for, so that wheels, runtime and layer are of one version."""
    if stage.is_local:
        return {"LocalPackages": sysconfig.get_path("purelib")}
    layer = layer or package_etl.layer_arn(stage.region, python)
    return {"EtlRuntime": f"python{python}", "AwsWranglerLayerArn": layer}


def built(stage: StageSettings, folder: Path, python: str) -> list[Path]:
    """The packages. For this machine they are made from what is installed here, without pip."""
    if stage.is_local:
        return list(_here(folder))
    for _ in package_etl.build(folder, python):
        pass
    return sorted(folder.iterdir())


def _here(folder: Path) -> Iterator[Path]:
    job = folder / "job.py"
    job.write_bytes((package_etl.ROOT / "etl" / "job.py").read_bytes())
    yield job
    own = dict(package_etl.package_files())
    for name in ("etl.zip", "etl-checks.zip"):
        yield _zip(folder / name, own)
    yield _zip(folder / "etl-small-batch.zip", {**own, **_installed("duckdb")})


def _installed(distribution: str) -> dict[str, Path]:
    files = metadata.files(distribution) or []
    kept = (file for file in files if file.suffix != ".pyc" and ".." not in file.parts)
    return {str(file): Path(str(file.locate())) for file in kept}


def _zip(target: Path, files: Mapping[str, Path]) -> Path:
    """Stored, not deflated: it travels no further than this machine."""
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, package_etl.EPOCH), files[name].read_bytes())
    return target


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.upload_etl", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--python", choices=sorted(package_etl.LAYER_VERSIONS), default=package_etl.RUNNING)
    parser.add_argument("--layer", default="", help="a layer with awswrangler, instead of AWS's own")
    parser.add_argument("--dry-run", action="store_true", help="build, show the plan and upload nothing")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = settings.load(options.stage)
        session = connect(stage)
        planned, chosen = plan(stage, session, options.python, options.layer)
        print("\n".join(map(str, planned)) or "nothing to upload")
        if not options.dry_run:
            calls.apply(planned, session)
        for name, value in chosen.items():
            print(f"{name}: {value}")
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
