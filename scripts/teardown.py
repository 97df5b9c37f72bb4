"""Undo a stage: `python -m scripts.teardown --stage dev [--dry-run]`. Prod keeps database and buckets."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from chalicelib import names
from scripts import provision, recover, register
from scripts.configure import APP
from scripts.deployment import fragments, leftovers, settings, stacks, survivors
from scripts.deployment.calls import Session
from scripts.deployment.cli import connect, environment, reported
from scripts.deployment.deployed import Deployed
from scripts.deployment.errors import DeploymentError
from scripts.deployment.fragments import Template
from scripts.deployment.leftovers import keeps
from scripts.deployment.settings import StageSettings

KEPT_SERVICES = ("AWS::S3::", "AWS::RDS::", "AWS::EC2::", "AWS::SecretsManager::")


def plan(stage: StageSettings, session: Session, project: Path = APP) -> list[str]:
    """What would go, a line each, in order; nothing is touched."""
    refuse_packaged(stage, session)
    bindings = stacks.Stack(register.stack_name(stage.stage), session).read()
    base = stacks.Stack(provision.stack_name(stage.stage), session).read()
    lines = [str(one) for one in _removed(bindings)]
    if _is_deployed(stage, project):
        lines.append(f"run    chalice delete --stage {stage.stage}")
    kept = kept_part(fragments.base()) if keeps(stage) else {"Resources": {}}
    lines += [str(one) for one in _removed(base) if one.name not in kept["Resources"]]
    if not keeps(stage):
        lines += leftovers.plan(stage, session)
    return lines


def apply(stage: StageSettings, session: Session, project: Path = APP) -> None:
    """Remove bindings, functions, base and what it leaves; every part may already be gone."""
    refuse_packaged(stage, session)
    stacks.Stack(register.stack_name(stage.stage), session).delete()
    if _is_deployed(stage, project) and survivors.keep(recover.record(project, stage), session):
        chalice_delete(stage, project)
    base = stacks.Stack(provision.stack_name(stage.stage), session)
    state = base.read()
    if not keeps(stage):
        base.delete()
        leftovers.remove(stage, session)
    elif state is not None:
        kept = kept_part(fragments.base())
        base.apply(kept, stacks.chosen(kept, {**stage.parameters(), **state.parameters}))


def refuse_packaged(stage: StageSettings, session: Session) -> None:
    """The buckets and the secret of a packaged stage have the same names: they are not ours to remove."""
    name = f"{names.APP}-{stage.stage}"
    if stacks.Stack(name, session).read() is not None:
        raise DeploymentError(
            f"stage {stage.stage!r} is packaged: aws cloudformation delete-stack --stack-name {name}"
        )


def kept_part(base: Template) -> Template:
    """The base without what holds no data: buckets, database, network, secret and what these need stay."""
    declared = base["Resources"]
    kept = {name: body for name, body in declared.items() if body["Type"].startswith(KEPT_SERVICES)}
    while needed := {name: declared[name] for name in _named(kept) if name in declared and name not in kept}:
        kept |= needed
    gone = declared.keys() - kept.keys()
    outputs = {
        name: body for name, body in base["Outputs"].items() if not any(one in str(body) for one in gone)
    }
    return {
        **base,
        "Resources": {name: _alone(body, gone) for name, body in kept.items()},
        "Outputs": outputs,
    }


def _named(resources: Mapping[str, Any]) -> set[str]:
    """What the properties of kept resources refer to: a proxy's role, for one, but no topic of a bucket."""
    bodies = [_alone(body, ())["Properties"] for body in resources.values()]
    return {name for body in bodies for name in re.findall(r"[A-Za-z0-9]+", json.dumps(body))}


def _alone(resource: Mapping[str, Any], gone: Collection[str]) -> dict[str, Any]:
    """A kept resource that notifies nobody and waits for nothing that is gone."""
    waits = resource.get("DependsOn", [])
    waits = [one for one in ([waits] if isinstance(waits, str) else waits) if one not in gone]
    properties = {
        name: body for name, body in resource["Properties"].items() if name != "NotificationConfiguration"
    }
    rest = {name: body for name, body in resource.items() if name not in ("DependsOn", "Properties")}
    return {**rest, "Properties": properties, **({"DependsOn": waits} if waits else {})}


def confirmed(stage: StageSettings, ask: Callable[[str], str]) -> bool:
    """Whether the operator really means this stage; only prod asks."""
    return (
        not keeps(stage)
        or ask(f"This removes {stage.stage}. Type the stage's name to go on: ") == stage.stage
    )


def chalice_delete(stage: StageSettings, project: Path) -> None:
    """Run `chalice delete`; DeploymentError with what it said."""
    command = [sys.executable, "-c", "from chalice.cli import main; main()", "--project-dir", str(project)]
    done = subprocess.run(
        [*command, "delete", "--stage", stage.stage],
        capture_output=True,
        text=True,
        env=environment(stage),
        check=False,
    )
    if done.returncode:
        raise DeploymentError(f"chalice delete failed: {(done.stdout + done.stderr).strip()[-2000:]}")


def _is_deployed(stage: StageSettings, project: Path) -> bool:
    try:
        return bool(Deployed.read(project, stage.stage).resources)
    except DeploymentError:
        return False


def _removed(state: stacks.State | None) -> list[stacks.Change]:
    return stacks.plan({"Resources": {}}, {}, state)[::-1] if state else []


def main(argv: Sequence[str], ask: Callable[[str], str] = input) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.teardown", description=__doc__)
    parser.add_argument("--stage", required=True, choices=names.STAGES)
    parser.add_argument("--project-dir", type=Path, default=APP)
    parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = settings.load(options.stage)
        session = connect(stage)
        print("\n".join(plan(stage, session, options.project_dir)) or "nothing to remove")
        if options.dry_run:
            return 0
        if not confirmed(stage, ask):
            raise DeploymentError("not confirmed, nothing was removed")
        apply(stage, session, options.project_dir)
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
