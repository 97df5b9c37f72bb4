"""Glue in CloudFormation: every job property arrives, and AWS::Glue::Classifier exists."""

from collections.abc import Mapping
from typing import Any

from scripts.local_cloud import seams

_TYPE = "AWS::Glue::Classifier"
_KINDS = ("CsvClassifier", "JsonClassifier", "GrokClassifier", "XMLClassifier")
_LOST = (
    "ExecutionProperty",
    "ExecutionClass",
    "NotificationProperty",
    "AllocatedCapacity",
    "JobMode",
    "LogUri",
)


def install() -> None:
    from ministack.services.cloudformation import provisioners

    fields = seams.function_at(provisioners, "_glue_job_fields", "props")
    handlers = seams.value_at(provisioners, "_RESOURCE_HANDLERS", dict)
    provisioners._glue_job_fields = lambda props: {
        **fields(props),
        **{key: props[key] for key in _LOST if key in props},
    }
    handlers.setdefault(_TYPE, {"create": _create, "delete": _delete})


def _create(logical_id: str, props: Mapping[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
    from ministack.services import glue

    from scripts.local_cloud.glue_protocol import call

    kind = next(one for one in _KINDS if one in props)
    name = props[kind].get("Name") or f"{stack_name}-{logical_id}"
    call(glue._create_classifier, {kind: {**props[kind], "Name": name}})
    return name, {}


def _delete(physical_id: str, props: Mapping[str, Any]) -> None:
    from ministack.services import glue

    glue._classifiers.pop(physical_id, None)
