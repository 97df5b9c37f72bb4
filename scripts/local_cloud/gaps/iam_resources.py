"""Gap: the evaluator takes a crawler for a table, a bus for a rule; knows no mail's sender, no query's group.

It also asks for an action of its own for batches of SQS and SNS, where AWS asks for that of the single call:
docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
docs.aws.amazon.com/sns/latest/api/API_PublishBatch.html

docs.aws.amazon.com/service-authorization/latest/reference/list_awsglue.html, …/list_amazonses.html,
…/list_amazonathena.html and …/list_amazoneventbridge.html
"""

import json
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at

_GLUE = {"Crawler": "crawler", "Job": "job", "Workflow": "workflow", "Trigger": "trigger"}


def install(context: Context) -> None:
    from ministack.core import iam_actions

    parameters = ("service", "method", "path", "headers", "body", "query_params", "region", "account_id")
    resource_of = function_at(iam_actions, "extract_resource_arn", *parameters)
    tags_of = function_at(iam_actions, "request_tag_context", "service", "iam_action", "body", "params")
    requested = ("service", "method", "path", "headers", "body", "query_params")
    action_of = function_at(iam_actions, "extract_iam_action", *requested)
    parameter = function_at(iam_actions, "_param", "body", "query_params", "fields")

    def resource(
        service: str,
        method: str,
        path: str,
        headers: Any,
        body: bytes,
        query_params: Any,
        region: str,
        account: str,
    ) -> Any:
        if service == "glue" and (name := glue_resource(headers.get("x-amz-target", ""), body)):
            return f"arn:aws:glue:{region}:{account}:{name}"
        if headers.get("x-amz-target", "").endswith(".DescribeEventBus"):
            name = json.loads(body or b"{}").get("Name", "default")
            return f"arn:aws:events:{region}:{account}:event-bus/{name}"
        if service == "athena" and (group := _workgroup_of_query(body)):
            return f"arn:aws:athena:{region}:{account}:workgroup/{group}"
        if service == "ses" and (source := parameter(body, query_params, "Source")):
            return f"arn:aws:ses:{region}:{account}:identity/{parseaddr(source)[1]}"
        return resource_of(service, method, path, headers, body, query_params, region, account)

    def conditions(service: str, iam_action: str, body: bytes, params: Any) -> dict[str, Any]:
        found: dict[str, Any] = tags_of(service, iam_action, body, params)
        if service == "ses" and (source := parameter(body, params, "Source")):
            found = {**found, "ses:FromAddress": parseaddr(source)[1]}
        return found

    def action(service: str, *request: Any, **named: Any) -> Any:
        found = action_of(service, *request, **named)
        batches = service in ("sqs", "sns") and isinstance(found, str)
        return found.removesuffix("Batch") if batches else found

    iam_actions.extract_iam_action = action
    iam_actions.extract_resource_arn = resource
    iam_actions.request_tag_context = conditions


def _workgroup_of_query(body: bytes) -> str | None:
    """A query execution is authorised on the workgroup in which it was started."""
    from ministack.services import athena

    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return None
    query = given.get("QueryExecutionId") if isinstance(given, Mapping) else None
    return (athena._executions.get(query) or {}).get("WorkGroup") if query else None


def glue_resource(target: str, body: bytes) -> str | None:
    """`crawler/NAME`, `job/NAME`, … for an action on one of these; None for what the engine does right."""
    action = target.rsplit(".", 1)[-1]
    kind = next((kind for word, kind in _GLUE.items() if word in action), None)
    try:
        given = json.loads(body or b"{}")
    except ValueError:
        return None
    if kind is None or not isinstance(given, Mapping):
        return None
    name = given.get(f"{kind.capitalize()}Name") or given.get("Name")
    return f"{kind}/{name}" if name else None
