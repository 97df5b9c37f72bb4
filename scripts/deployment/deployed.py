"""Reads what `chalice deploy` left: `.chalice/deployed/<stage>.json`, the only record of what it owns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.deployment.errors import DeploymentError


@dataclass(frozen=True)
class Deployed:
    """The resources of a deployed Chalice stage."""

    resources: Sequence[dict[str, Any]]

    @classmethod
    def read(cls, project: Path, stage: str) -> Deployed:
        """DeploymentError where Chalice has not deployed this stage."""
        file = project / ".chalice" / "deployed" / f"{stage}.json"
        try:
            return cls(json.loads(file.read_text())["resources"])
        except OSError as error:
            raise DeploymentError(
                f"stage {stage!r} is not deployed from {project}: run chalice deploy --stage {stage}"
            ) from error
        except (ValueError, KeyError) as error:
            raise DeploymentError(f"{file} is not Chalice's record of a deployment: {error}") from error

    def functions(self) -> dict[str, str]:
        """ARN by short name, the API's `api_handler` included."""
        return {one["name"]: one["lambda_arn"] for one in self._of("lambda_function")}

    def queues(self) -> list[dict[str, Any]]:
        """Event source mappings: `event_uuid`, `lambda_arn`, `queue_arn`."""
        return self._of("sqs_event")

    def subscriptions(self) -> list[dict[str, Any]]:
        """Functions subscribed to topics: `subscription_arn`, `lambda_arn`, `topic_arn`."""
        return self._of("sns_event")

    def rules(self) -> list[str]:
        """Names of Chalice's own rules on the default bus: schedules and events."""
        return [one["rule_name"] for one in self._of("cloudwatch_event")]

    def buckets(self) -> list[dict[str, Any]]:
        """Functions notified by buckets: `bucket`, `lambda_arn`."""
        return self._of("s3_event")

    def api(self) -> dict[str, Any]:
        """`rest_api_id` and `rest_api_url`."""
        found = self._of("rest_api")
        if not found:
            raise DeploymentError("the deployment has no REST API")
        return found[0]

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.resources if one["resource_type"] == kind]


def parameters(deployed: Deployed) -> dict[str, str]:
    """The bindings' parameters that Chalice answers: `ClaimOrderFunctionArn`, `RestApiId`."""
    arns = {f"{logical_id(name)}FunctionArn": arn for name, arn in deployed.functions().items()}
    return {**arns, "RestApiId": deployed.api()["rest_api_id"]}


def logical_id(name: str) -> str:
    """Chalice's logical id of a function in a packaged template: `claim-order` → `ClaimOrder`."""
    return "".join(part[:1].upper() + part[1:] for word in name.split("-") for part in word.split("_"))
