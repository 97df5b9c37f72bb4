"""Workgroups with the settings that AWS fills in where a caller left them out."""

from collections.abc import Mapping
from typing import Any

from scripts.local_cloud.glue_protocol import Response, ServiceError, reply

_ENGINE = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"}


def find(name: str) -> dict[str, Any]:
    from ministack.services import athena

    athena._ensure_default_workgroup()
    found: dict[str, Any] | None = athena._workgroups.get(name)
    if found is None:
        raise ServiceError("InvalidRequestException", f"WorkGroup {name} is not found.")
    return found


def configuration(workgroup: Mapping[str, Any]) -> dict[str, Any]:
    """The workgroup's configuration, whole; only `primary` lets callers have their own way by default."""
    given = workgroup.get("Configuration") or {}
    engine = {**_ENGINE, **(given.get("EngineVersion") or {})}
    if engine["EffectiveEngineVersion"] == "AUTO":
        engine["EffectiveEngineVersion"] = _ENGINE["EffectiveEngineVersion"]
    return {
        "EnforceWorkGroupConfiguration": workgroup["Name"] != "primary",
        "PublishCloudWatchMetricsEnabled": False,
        "RequesterPaysEnabled": False,
        "ResultConfiguration": {},
        **given,
        "EngineVersion": engine,
    }


def get_workgroup(request: Mapping[str, Any]) -> Response:
    """GetWorkGroup."""
    found = find(str(request.get("WorkGroup")))
    return reply({"WorkGroup": {**found, "Configuration": configuration(found)}})
