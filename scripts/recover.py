"""Rebuild Chalice's record of a stage whose first deployment failed: `python -m scripts.recover --stage dev`.

Chalice writes `.chalice/deployed/<stage>.json` only when a deployment succeeds. Without it the next attempt
makes a second REST API and second queue mappings.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chalicelib import names
from scripts.configure import APP
from scripts.deployment import settings, stacks
from scripts.deployment.calls import Session
from scripts.deployment.cli import connect, reported
from scripts.deployment.policies import API_HANDLER
from scripts.deployment.settings import StageSettings

Resource = dict[str, Any]


def plan(stage: StageSettings, session: Session, project: Path = APP) -> list[Resource]:
    """What exists and must be in the record; nothing where Chalice has one."""
    if record(project, stage).is_file():
        return []
    functions = dict(_functions(stage, session))
    return [
        *(
            {"name": name, "resource_type": "lambda_function", "lambda_arn": arn}
            for name, arn in functions.items()
        ),
        *_mappings(functions, session, _bound(stage, session)),
        *_api(stage, session),
    ]


def apply(stage: StageSettings, session: Session, project: Path = APP) -> list[Resource]:
    """Write the record; answers what is in it."""
    found = plan(stage, session, project)
    if found:
        file = record(project, stage)
        file.parent.mkdir(parents=True, exist_ok=True)
        content = {"resources": found, "schema_version": "2.0", "backend": "api"}
        file.write_text(json.dumps(content, indent=2) + "\n")
    return found


def record(project: Path, stage: StageSettings) -> Path:
    return project / ".chalice" / "deployed" / f"{stage.stage}.json"


def _functions(stage: StageSettings, session: Session) -> Iterator[tuple[str, str]]:
    """Those that Chalice made, by its tag: it deletes whatever else stands in its record."""
    client, deployed = session.client("lambda"), f"{names.APP}-{stage.stage}"
    for page in client.get_paginator("list_functions").paginate():
        for one in page["Functions"]:
            name, arn = one["FunctionName"], one["FunctionArn"]
            ours = name == deployed or name.startswith(f"{deployed}-")
            if ours and "aws-chalice" in client.list_tags(Resource=arn)["Tags"]:
                yield name.removeprefix(f"{deployed}-") if name != deployed else API_HANDLER, arn


def _bound(stage: StageSettings, session: Session) -> set[str]:
    """Mappings of the bindings stack: Chalice would delete what stands in its record and not in the app."""
    bindings = stacks.Stack(f"orders-bindings-{stage.stage}", session)
    if bindings.read() is None:
        return set()
    kind = "AWS::Lambda::EventSourceMapping"
    return {one["PhysicalResourceId"] for one in bindings.resources() if one["ResourceType"] == kind}


def _mappings(functions: dict[str, str], session: Session, bound: set[str]) -> Iterator[Resource]:
    client = session.client("lambda")
    for name, arn in functions.items():
        for one in client.list_event_source_mappings(FunctionName=arn)["EventSourceMappings"]:
            if one["UUID"] in bound:
                continue
            yield {
                "name": f"{name}-sqs-event-source",
                "resource_type": "sqs_event",
                "queue_arn": one["EventSourceArn"],
                "event_uuid": one["UUID"],
                "queue": one["EventSourceArn"].rsplit(":", 1)[-1],
                "lambda_arn": arn,
            }


def _api(stage: StageSettings, session: Session) -> Iterator[Resource]:
    client = session.client("apigateway")
    for page in client.get_paginator("get_rest_apis").paginate():
        for api in page["items"]:
            if api["name"] == names.APP and _leads_to(stage, client, api["id"]):
                url = f"https://{api['id']}.execute-api.{stage.region}.amazonaws.com/{stage.stage}/"
                yield {
                    "name": "rest_api",
                    "resource_type": "rest_api",
                    "rest_api_id": api["id"],
                    "rest_api_url": url,
                }
                return


def _leads_to(stage: StageSettings, client: Any, api: str) -> bool:
    """Whether the API calls this stage's function: every stage's API has the same name."""
    resources = client.get_resources(restApiId=api, embed=["methods"], limit=500)["items"]
    uris = [
        method.get("methodIntegration", {}).get("uri", "")
        for resource in resources
        for method in resource.get("resourceMethods", {}).values()
    ]
    return any(f":function:{names.APP}-{stage.stage}/" in uri for uri in uris)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.recover", description=__doc__)
    parser.add_argument("--stage", required=True)
    parser.add_argument("--project-dir", type=Path, default=APP)
    parser.add_argument("--dry-run", action="store_true", help="show what would be recorded")
    options = parser.parse_args(argv)

    def run() -> int:
        stage = settings.load(options.stage)
        session = connect(stage)
        found = (plan if options.dry_run else apply)(stage, session, options.project_dir)
        print(
            "\n".join(f"record {one['resource_type']} {one['name']}" for one in found) or "nothing to recover"
        )
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
