"""Gap: with enforcement on, the engine checks API callers but not what services do with a role.

Checks the roles of state machines, event source mappings and rule targets too, and keeps a book of every
decision about a role or service in `iam-calls.jsonl`. Does nothing unless the engine enforces IAM.
"""

from collections.abc import Mapping
from typing import Any

from scripts.local_cloud.gaps import Context, _permissions
from scripts.local_cloud.seams import function_at

_MAPPING_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_INTEGRATIONS = {
    "arn:aws:states:::sqs:sendMessage": ("sqs:SendMessage", "QueueUrl"),
    "arn:aws:states:::sns:publish": ("sns:Publish", "TopicArn"),
    "arn:aws:states:::states:startExecution": ("states:StartExecution", "StateMachineArn"),
}


def install(context: Context) -> None:
    if not context.enforce_iam:
        return
    book = (context.state_dir / "iam-calls.jsonl").open("a", encoding="utf-8", buffering=1)

    def write(call: dict[str, Any]) -> None:
        book.write(_permissions.as_line(call))

    _permissions.record_with(write)
    context.on_stop.append(book.close)
    _record_api_calls()
    _check_mapping_roles()
    _check_machine_roles()


def _record_api_calls() -> None:
    from ministack.core import iam_evaluator

    parameters = ("access_key_id", "iam_action", "service", "region", "resource_arn", "service_context")
    enforce = function_at(iam_evaluator, "enforce", *parameters)

    def enforce_and_record(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Any = None,
    ) -> Any:
        refusal = enforce(access_key_id, iam_action, service, region, resource_arn, service_context)
        caller = iam_evaluator.caller_arn() or ""
        if ":assumed-role/" in caller:
            role = caller.split(":assumed-role/")[1].split("/")[0]
            _permissions.record(f"role/{role}", iam_action, resource_arn, allowed=refusal is None)
        return refusal

    iam_evaluator.enforce = enforce_and_record


def _check_mapping_roles() -> None:
    """docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html (execution role)."""
    from ministack.services import lambda_svc

    create = function_at(lambda_svc, "_create_esm", "data")

    def create_if_permitted(data: Mapping[str, Any]) -> Any:
        source = data.get("EventSourceArn", "")
        _, config, _ = lambda_svc._get_func_record_for_ref(data.get("FunctionName", ""))
        if config and ":sqs:" in source:
            for action in _MAPPING_ACTIONS:
                if not _permissions.role_may(config["Role"], action, source):
                    text = (
                        f"The function execution role does not have permissions to call {action[4:]} on SQS"
                    )
                    return lambda_svc._invalid_parameter_value(text)
        return create(data)

    lambda_svc._create_esm = create_if_permitted


def _check_machine_roles() -> None:
    """docs.aws.amazon.com/step-functions/latest/dg/service-integration-iam-templates.html"""
    from ministack.services import stepfunctions as sfn

    from scripts.local_cloud.gaps.sfn_runs import current_execution

    invoke = function_at(sfn, "_invoke_resource", "resource", "input_data")

    def invoke_if_permitted(resource: str, input_data: Any) -> Any:
        execution = current_execution()
        needed = _needed(sfn, resource, input_data)
        if execution is not None and needed is not None:
            role = sfn._state_machines[execution["stateMachineArn"]]["roleArn"]
            if not _permissions.role_may(role, *needed):
                action, target = needed
                kind = "Lambda.AWSLambdaException" if action.startswith("lambda:") else "States.TaskFailed"
                raise sfn._ExecutionError(
                    kind, f"User: {role} is not authorized to perform: {action} on resource: {target}"
                )
        return invoke(resource, input_data)

    sfn._invoke_resource = invoke_if_permitted


def _needed(sfn: Any, resource: str, given: Any) -> tuple[str, str] | None:
    """The action and resource that a task's role must be allowed, where the engine acts for it."""
    plain = resource.replace(".waitForTaskToken", "").replace(".sync:2", "").replace(".sync", "")
    if "states:::lambda:invoke" in plain:
        return "lambda:InvokeFunction", _function_arn(sfn, given.get("FunctionName", ""))
    if plain.startswith("arn:aws:lambda:"):
        return "lambda:InvokeFunction", plain
    if plain == "arn:aws:states:::events:putEvents":
        name = next((entry.get("EventBusName") for entry in given.get("Entries", [])), None) or "default"
        return "events:PutEvents", name if name.startswith(
            "arn:"
        ) else f"{_arn(sfn, 'events')}event-bus/{name}"
    if plain == "arn:aws:states:::glue:startJobRun":
        return "glue:StartJobRun", f"{_arn(sfn, 'glue')}job/{given.get('JobName', '')}"
    if ":::aws-sdk:" in plain:
        return _sdk_call(sfn, plain, given)
    if plain in _INTEGRATIONS:
        action, field = _INTEGRATIONS[plain]
        target = str(given.get(field, ""))
        if field == "QueueUrl":
            target = _arn(sfn, "sqs") + target.rsplit("/", 1)[-1]
        return action, target
    return None


def _sdk_call(sfn: Any, resource: str, given: Any) -> tuple[str, str]:
    """An SDK integration is the action of the same name; of its resources only crawlers are known here."""
    service, operation = resource.split(":aws-sdk:")[1].split(":")
    action = f"{service}:{operation[0].upper()}{operation[1:]}"
    crawler = given.get("Name") if service == "glue" and operation.endswith("Crawler") else None
    return action, f"{_arn(sfn, 'glue')}crawler/{crawler}" if crawler else "*"


def _arn(sfn: Any, service: str) -> str:
    return f"arn:aws:{service}:{sfn.get_region()}:{sfn.get_account_id()}:"


def _function_arn(sfn: Any, reference: str) -> str:
    return reference if reference.startswith("arn:") else f"{_arn(sfn, 'lambda')}function:{reference}"
