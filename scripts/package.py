"""One template of everything, for CI: `python -m scripts.package --stage prod out/`.

The fragments and the template of `chalice package` in one; `--check` only lints the fragments.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chalicelib import names
from scripts import configure, package_etl
from scripts.deployment import etl_code, fragments, overrides, repository, wiring
from scripts.deployment.cli import NO_BYTECODE, reported
from scripts.deployment.errors import DeploymentError
from scripts.deployment.fragments import Template
from scripts.deployment.settings import StageSettings

TEMPLATE = "sam.json"
PACKAGED = [stage for stage in names.STAGES if stage != "local"]


def package(
    stage: str,
    out: Path,
    project: Path = configure.APP,
    layer: bool = False,
    code: Mapping[str, str] | None = None,
) -> Path:
    """Write `sam.json` and `deployment.zip` into `out`; answers the template's path.

    With `layer` the packages are in a second zip, `layer-deployment.zip`, that all functions share. `code` is
    where the ETL's code will lie, as `etl_code.packaged` answers it.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "app"
        shutil.copytree(
            project, copy, ignore=shutil.ignore_patterns("deployments", "deployed", "__pycache__")
        )
        chosen = dataclasses.replace(parametrised(stage), dependency_layer=layer)
        configure.apply(chosen, copy, committed=True)
        plain = Path(folder) / "plain"
        chalice_package(copy, stage, plain)
        merge = Path(folder) / "merge.json"
        merge.write_text(json.dumps(merged(json.loads((plain / TEMPLATE).read_text()), stage, code or {})))
        for old in out.glob("*.zip"):
            old.unlink()  # of a package made the other way
        chalice_package(copy, stage, out.resolve(), merge)
    return out / TEMPLATE


def parametrised(stage: str) -> StageSettings:
    """The stage with parameters of the template where a stage file would have its own values."""
    return dataclasses.replace(
        configure.defaults(stage),
        mail_from="${MailFrom}",
        operators_email="${OperatorsEmail}",
        database_secret="${DatabaseSecretName}",
    )


def etl(out: Path, python: str = package_etl.RUNNING) -> dict[str, str]:
    """Build the ETL's code into `out/etl/`; answers the parameters that name it."""
    with tempfile.TemporaryDirectory() as folder:
        for _ in package_etl.build(Path(folder), python):
            pass
        return {**etl_code.packaged(sorted(Path(folder).iterdir()), out), "EtlRuntime": f"python{python}"}


def merged(packaged: Template, stage: str, code: Mapping[str, str]) -> dict[str, Any]:
    """What is merged over the template of `chalice package`: all fragments and the overrides.

    The ETL's bucket must be named: one that the stack makes is empty when its functions need their code.
    """
    settings = configure.defaults(stage)
    joined = wiring.joined(fragments.base(), fragments.bindings(), overrides.functions(packaged), stage)
    stack = overrides.notified(joined)
    resources = {**stack["Resources"], **overrides.made(packaged, stack, settings)}
    parameters = {**stack["Parameters"], **overrides.PARAMETERS}
    for name, value in {"DatabaseSecretName": settings.secret_name, **code}.items():
        parameters[name] = {**parameters[name], "Default": value}
    del parameters[etl_code.BUCKET]["Default"]
    metadata = {repository.METADATA: repository.metadata()}
    return {**stack, "Metadata": metadata, "Parameters": parameters, "Resources": resources}


def chalice_package(project: Path, stage: str, out: Path, merge: Path | None = None) -> None:
    """Run `chalice package`; DeploymentError with what it said."""
    command = [
        sys.executable,
        "-c",
        "from chalice.cli import main; main()",
        "--project-dir",
        str(project),
        "package",
        "--stage",
        stage,
    ]
    command += ["--merge-template", str(merge)] if merge else []
    environment = {"AWS_DEFAULT_REGION": "us-east-1", **os.environ, **NO_BYTECODE}
    done = subprocess.run([*command, str(out)], capture_output=True, text=True, env=environment, check=False)
    if done.returncode or not (out / TEMPLATE).is_file():
        raise DeploymentError(f"chalice package failed: {(done.stdout + done.stderr).strip()[-2000:]}")


def lint(template: Path) -> list[str]:
    """What cfn-lint finds in a template, a line each."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from cfnlint import runner; sys.exit(runner.main())",
            "--format",
            "parseable",
            "--region",
            "us-east-1",
            "--",
            str(template),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]


def check_fragments() -> list[str]:
    """What cfn-lint finds in base and bindings."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        both: Mapping[str, Template] = {"base": fragments.base(), "bindings": fragments.bindings()}
        for name, template in both.items():
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(template, indent=1))
            found += [line.replace(folder + os.sep, "") for line in lint(file)]
    return found


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.package", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("out"))
    parser.add_argument("--stage", default="prod")
    parser.add_argument("--project-dir", type=Path, default=configure.APP)
    parser.add_argument("--layer", action="store_true", help="ship the packages as a layer")
    parser.add_argument("--check", action="store_true", help="lint the fragments and package nothing")
    options = parser.parse_args(argv)

    def run() -> int:
        if options.check:
            found = check_fragments()
        elif options.stage not in PACKAGED:
            raise DeploymentError(f"stage {options.stage!r} is not packaged, only {', '.join(PACKAGED)}")
        else:
            code = etl(options.out)
            template = package(options.stage, options.out, options.project_dir, options.layer, code)
            count = len(json.loads(template.read_text())["Resources"])
            print(f"{template}: {count} resources, functions on {code['EtlRuntime']}")
            for archive in sorted([*options.out.glob("*.zip"), *options.out.glob(f"{etl_code.FOLDER}/*")]):
                print(f"{archive}: {archive.stat().st_size / 1e6:.2f} MB")
            found = lint(template)
        print("\n".join(found) or "cfn-lint finds nothing")
        return 1 if found else 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
