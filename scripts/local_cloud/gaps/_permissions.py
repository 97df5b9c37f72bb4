"""Whether a service principal or a role may do something, by the policies deployed in the engine."""

import json
import threading
from collections.abc import Callable
from typing import Any

Recorder = Callable[[dict[str, Any]], None]
_recorder: list[Recorder] = []
_lock = threading.Lock()


def enforced() -> bool:
    from ministack.app import AUTH

    return bool(AUTH)


def record_with(recorder: Recorder) -> None:
    _recorder.append(recorder)


def record(caller: str, action: str, resource: str, *, allowed: bool) -> None:
    """Note one authorisation decision, if somebody keeps the book."""
    call = {"caller": caller, "action": action, "resource": resource, "allowed": allowed}
    with _lock:
        for recorder in _recorder:
            recorder(call)


def service_may_invoke(func: Any, service: str, source_arn: str) -> bool:
    """docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html"""
    if not enforced():
        return True
    from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy

    arn = (func.get("config") or func)["FunctionArn"]
    account, region = arn.split(":")[4], arn.split(":")[3]
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=arn,
        region=region,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": account},
    )
    policy = func.get("policy") or _policy_of(arn)
    allowed: bool = evaluate_resource_policy(policy, context, service=service).decision == "Allow"
    record(service, "lambda:InvokeFunction", arn, allowed=allowed)
    return allowed


def _policy_of(arn: str) -> Any:
    from ministack.services import lambda_svc

    func, _, _ = lambda_svc._get_base_func_record_for_ref(arn)
    return (func or {}).get("policy") or {"Statement": []}


def role_may(role_arn: str, action: str, resource: str) -> bool:
    """Whether the policies of this role allow the action; always so while nothing is enforced."""
    if not enforced():
        return True
    from ministack.core import iam_evaluator

    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    region = resource.split(":")[3] if resource.count(":") >= 5 else "us-east-1"
    context = iam_evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    allowed: bool = iam_evaluator.evaluate(context, policies).decision == "Allow"
    record(f"role/{name}", action, resource, allowed=allowed)
    return allowed


def as_line(call: dict[str, Any]) -> str:
    return json.dumps(call, sort_keys=True) + "\n"
