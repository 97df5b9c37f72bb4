"""Build what runs beside Chalice: job.py and etl.zip for Glue, the zips of the data path's two Lambdas."""

import argparse
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.deployment.policies import partition

ROOT = Path(__file__).resolve().parent.parent
# Lambda takes 250 MB unzipped, layers included; AWS's own awswrangler layer is about 215 of them.
LIMIT = 250 * 1024 * 1024
# AWS's own layer, https://aws-sdk-pandas.readthedocs.io/en/stable/layers.html: its numbers differ by region;
# these are the lowest that the page lists for release 3.16.1, a region may already have one more.
LAYER_ACCOUNT = "336392948345"
LAYER_VERSIONS = {"3.11": 30, "3.12": 26, "3.13": 11}
RUNNING = f"3.{sys.version_info.minor}"  # the version that deploys is the functions' runtime, as with Chalice
PLATFORMS = {
    "x86_64": ("manylinux_2_28_x86_64", "manylinux2014_x86_64"),
    "arm64": ("manylinux_2_28_aarch64", "manylinux2014_aarch64"),
}
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content is the same zip


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    for path, size in build(arguments.output, arguments.python, arguments.architecture, arguments.here):
        print(f"{path}: {size / 1e6:.1f} MB unzipped")
    print(f"layer of the checks: {layer_arn(arguments.region, arguments.python, arguments.architecture)}")
    return 0


def build(
    output: Path, python: str, architecture: str = "x86_64", here: bool = False
) -> Iterator[tuple[Path, int]]:
    """Write the packages; yields each with its unzipped size and refuses one that Lambda would not take."""
    output.mkdir(parents=True, exist_ok=True)
    package = list(package_files())
    (output / "job.py").write_bytes((ROOT / "etl" / "job.py").read_bytes())
    yield _zip(output / "etl.zip", package)
    yield _zip(output / "etl-checks.zip", package)
    with TemporaryDirectory() as folder:
        _install(Path(folder), python, architecture, here)
        yield _zip(output / "etl-small-batch.zip", [*package, *_installed(Path(folder))])


def layer_arn(region: str, python: str, architecture: str = "x86_64") -> str:
    """The awswrangler layer for the checks Lambda."""
    suffix = "-Arm64" if architecture == "arm64" else ""
    name = f"AWSSDKPandas-Python{python.replace('.', '')}{suffix}"
    return f"arn:{partition(region)}:lambda:{region}:{LAYER_ACCOUNT}:layer:{name}:{LAYER_VERSIONS[python]}"


def package_files() -> Iterator[tuple[str, Path]]:
    """The etl package by name, without what only Airflow runs."""
    for path in sorted((ROOT / "etl").rglob("*.py")):
        if "airflow" not in path.parts:
            yield str(path.relative_to(ROOT)), path


def _install(folder: Path, python: str, architecture: str, here: bool) -> None:
    """duckdb and nothing else: boto3 is in the runtime. `here` takes this machine's platform."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    if not here:
        command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
        for platform in PLATFORMS[architecture]:
            command += ["--platform", platform]
    command += ["-r", str(ROOT / "etl" / "requirements.txt")]
    subprocess.run(command, check=True)


def _installed(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".pyi", ".typed"):
            yield str(path.relative_to(folder)), path


def _zip(target: Path, files: Sequence[tuple[str, Path]]) -> tuple[Path, int]:
    size = sum(path.stat().st_size for _, path in files)
    if size > LIMIT:
        raise SystemExit(f"{target.name} unzips to {size} bytes, Lambda takes {LIMIT}")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in files:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    return target, size


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="package_etl", description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "out" / "etl")
    parser.add_argument("--python", choices=sorted(LAYER_VERSIONS), default=RUNNING)
    parser.add_argument("--architecture", choices=sorted(PLATFORMS), default="x86_64")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--here", action="store_true", help="for this machine, as the local run needs it")
    return parser


if __name__ == "__main__":
    sys.exit(main())
