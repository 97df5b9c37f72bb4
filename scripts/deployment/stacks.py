"""A CloudFormation stack: what it is, what it should be, the changes between, and how they are made."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.deployment.calls import Session
from scripts.deployment.errors import DeploymentError
from scripts.deployment.fragments import Template

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
INLINE_LIMIT = 51_200  # bytes of a template in the request; a larger one comes from S3


@dataclass(frozen=True)
class Change:
    """One difference between the stack that is and the stack that is wanted."""

    action: str  # add, change, remove
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.action:6} {self.kind} {self.name}"


@dataclass(frozen=True)
class State:
    """A stack as CloudFormation has it."""

    status: str
    template: Template
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]


def plan(wanted: Template, parameters: Mapping[str, str], actual: State | None) -> list[Change]:
    """The changes that make `actual` into `wanted`, additions first and removals last."""
    before: Mapping[str, Any] = actual.template.get("Resources", {}) if actual else {}
    after: Mapping[str, Any] = wanted["Resources"]
    added = [Change("add", after[name]["Type"], name) for name in after if name not in before]
    changed = [
        Change("change", after[name]["Type"], name)
        for name in after
        if name in before and before[name] != after[name]
    ]
    removed = [Change("remove", before[name]["Type"], name) for name in before if name not in after]
    if actual:
        changed += [
            Change("change", "Parameter", f"{name} to {value!r}")
            for name, value in parameters.items()
            if actual.parameters.get(name) != value
        ]
        if actual.template.get("Outputs") != wanted.get("Outputs"):
            changed.append(Change("change", "Outputs", "of the stack"))
    return added + changed + removed


def chosen(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    """The values that the template's parameters ask for; DeploymentError names those that nobody has."""
    asked: Mapping[str, Any] = template.get("Parameters", {})
    missing = [name for name, body in asked.items() if name not in values and "Default" not in body]
    if missing:
        raise DeploymentError(f"no value for the parameters {', '.join(sorted(missing))}")
    return {name: values[name] for name in asked if name in values}


class Stack:
    """One stack by its name."""

    def __init__(self, name: str, session: Session) -> None:
        self.name = name
        self._cloudformation = session.client("cloudformation")
        self._session = session

    def read(self) -> State | None:
        """The stack as it is, None where there is none."""
        found = self._describe()
        if found is None or found["StackStatus"] in ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS"):
            return None
        body = self._cloudformation.get_template(StackName=self.name)["TemplateBody"]
        return State(
            status=found["StackStatus"],
            template=json.loads(body) if isinstance(body, str) else json.loads(json.dumps(body)),
            parameters={one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])},
            outputs={one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", [])},
        )

    def apply(self, template: Template, parameters: Mapping[str, str], bucket: str | None = None) -> State:
        """Create or update the stack and wait; DeploymentError says which resource failed and why."""
        before = self._describe()
        if before and before["StackStatus"] in ("ROLLBACK_COMPLETE", "CREATE_FAILED", "REVIEW_IN_PROGRESS"):
            self.delete()  # a first creation that failed can only be deleted
            before = None
        elif before and before["StackStatus"].endswith("_IN_PROGRESS"):
            self._wait("finished what it was doing")
        arguments = {
            "StackName": self.name,
            "Capabilities": CAPABILITIES,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            **self._body(template, bucket),
        }
        try:
            if before is None or before["StackStatus"] == "DELETE_COMPLETE":
                self._cloudformation.create_stack(**arguments)
            else:
                self._cloudformation.update_stack(**arguments)
        except self._cloudformation.exceptions.ClientError as error:
            if "No updates are to be performed" not in str(error):
                raise DeploymentError(f"stack {self.name!r}: {error}") from error
        self._wait("applied")
        state = self.read()
        assert state is not None  # _wait saw it complete
        return state

    def delete(self) -> None:
        """Delete the stack and wait until it is gone; resources with DeletionPolicy Retain stay."""
        if self._describe() is None:
            return
        self._cloudformation.delete_stack(StackName=self.name)
        self._wait("deleted")

    def resources(self) -> list[dict[str, str]]:
        """Logical id, type and physical id of every resource of the stack."""
        pages = self._cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [one for page in pages for one in page["StackResourceSummaries"]]

    def _describe(self) -> dict[str, Any] | None:
        try:
            return dict(self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0])
        except self._cloudformation.exceptions.ClientError as error:
            if "does not exist" in str(error):
                return None
            raise

    def _wait(self, what: str) -> None:
        pause = 0.05
        while True:
            found = self._describe()
            status = found["StackStatus"] if found else "DELETE_COMPLETE"
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(pause)
            pause = min(pause * 1.5, 5.0)
        if status.endswith("_FAILED") or "ROLLBACK" in status:
            raise DeploymentError(f"stack {self.name!r} could not be {what} ({status}): {self._reasons()}")

    def _reasons(self) -> str:
        events = self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
        failed = [
            f"{one['LogicalResourceId']}: {one.get('ResourceStatusReason', 'no reason given')}"
            for one in events
            if one["ResourceStatus"].endswith("_FAILED")
        ]
        return "; ".join(failed[:5]) or "see the stack's events"

    def _body(self, template: Template, bucket: str | None) -> dict[str, str]:
        body = json.dumps(template, separators=(",", ":"))
        if len(body.encode()) <= INLINE_LIMIT:
            return {"TemplateBody": body}
        if bucket is None:
            raise DeploymentError(
                f"the template of {self.name!r} has {len(body.encode())} bytes and no bucket"
            )
        s3 = self._session.client("s3")
        key = f"templates/{self.name}.json"
        s3.put_object(Bucket=bucket, Key=key, Body=body.encode(), ServerSideEncryption="AES256")
        return {"TemplateURL": s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})}
