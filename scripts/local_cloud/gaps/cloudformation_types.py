"""Gap: CloudFormation does not know AWS::Glue::Workflow, so a stack that has one is refused whole.

docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-glue-workflow.html
"""

from collections.abc import Mapping
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import SeamError, function_at, value_at

TYPE = "AWS::Glue::Workflow"
IN_PLACE = ("Description", "DefaultRunProperties", "MaxConcurrentRuns")


def install(context: Context) -> None:
    from ministack.services import glue
    from ministack.services.cloudformation import provisioners

    handlers = value_at(provisioners, "_RESOURCE_HANDLERS", dict)
    if TYPE in handlers:
        raise SeamError(f"the engine knows {TYPE} by now: remove this gap filler")
    call = function_at(provisioners, "_glue_call", "fn", "data", "resource_type", "action")
    physical_name = provisioners._physical_name
    make = function_at(glue, "_create_workflow", "data")
    change = function_at(glue, "_update_workflow", "data")
    remove = function_at(glue, "_delete_workflow", "data")

    def create(logical_id: str, props: Mapping[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        name = props.get("Name") or physical_name(stack_name, logical_id, max_len=255)
        data = {key: props[key] for key in (*IN_PLACE, "Tags") if key in props}
        call(make, {**data, "Name": name}, TYPE, "create")
        return name, {}

    def update(
        physical_id: str,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        stack_name: str,
        logical_id: str | None = None,
    ) -> tuple[str, dict[str, Any]]:
        if new.get("Name", physical_id) != physical_id:
            created = create(logical_id or physical_id, new, stack_name)
            remove({"Name": physical_id})
            return created
        call(
            change, {"Name": physical_id, **{key: new[key] for key in IN_PLACE if key in new}}, TYPE, "update"
        )
        return physical_id, {}

    def delete(physical_id: str, props: Mapping[str, Any]) -> None:
        remove({"Name": physical_id})

    handlers[TYPE] = {"create": create, "update": update, "delete": delete}
