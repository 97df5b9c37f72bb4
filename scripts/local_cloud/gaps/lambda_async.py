"""Gap: asynchronous calls have no queue and no OnSuccess, mix up DLQ and destination, fail by throttling.

docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html (two retries, throttles wait) and
docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (what DLQ and destination receive).
"""

import contextvars
import json
import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scripts.local_cloud.gaps import Context, _permissions
from scripts.local_cloud.gaps._queues import put_message
from scripts.local_cloud.gaps.shared_threads import crew
from scripts.local_cloud.seams import function_at, value_at
from scripts.local_cloud.threads import Loan

log = logging.getLogger("local_cloud.lambda_async")
_THROTTLE_WAIT = 0.5
_AT_ONCE = 4  # asynchronous calls of one function that run; the others wait in its queue
_places: defaultdict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(_AT_ONCE))
_ACTIONS = {
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "lambda": "lambda:InvokeFunction",
    "events": "events:PutEvents",
}


def install(context: Context) -> None:
    from ministack.services import lambda_svc

    function_at(lambda_svc, "invoke_async_with_retry", "func", "event")
    function_at(lambda_svc, "_execute_function", "func", "event")
    function_at(lambda_svc, "_account_region_from_function_config", "config")
    # AWS waits one minute, then two; here the shape is kept and the wall clock is not.
    value_at(lambda_svc, "_LAMBDA_ASYNC_RETRY_BASE_SECONDS", float)

    def invoke(func: dict[str, Any], event: Any) -> None:
        Loan(crew, contextvars.copy_context().run, (_run, func, event), name="lambda-async").start()

    lambda_svc.invoke_async_with_retry = invoke


def _run(func: Mapping[str, Any], event: Any) -> None:
    from ministack.core.responses import set_request_account_id, set_request_region
    from ministack.services import lambda_svc

    config = func.get("config") or func
    account, region = lambda_svc._account_region_from_function_config(config)
    set_request_account_id(account)
    set_request_region(region)
    settings = _settings(func, config)
    attempts, result, condition = _attempt(func, event, settings, lambda_svc)
    failed = bool(result.get("error"))
    record = _record(config, event, result, attempts, condition if failed else "Success")
    destination = (settings.get("DestinationConfig") or {}).get("OnFailure" if failed else "OnSuccess") or {}
    if arn := destination.get("Destination"):
        _send(config["Role"], arn, json.dumps(record), record)
    dead_letters = (config.get("DeadLetterConfig") or {}).get("TargetArn")
    if failed and dead_letters:
        fault = result.get("body") if isinstance(result.get("body"), dict) else {}
        attributes = {
            "RequestID": record["requestContext"]["requestId"],
            "ErrorCode": "200",
            "ErrorMessage": str((fault or {}).get("errorMessage", ""))[:1024] or "unknown",
        }
        _send(config["Role"], dead_letters, json.dumps(event), record, attributes)


def _settings(func: Mapping[str, Any], config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The function's own settings, or those of the version that runs (a template names `$LATEST`)."""
    by_qualifier = func.get("event_invoke_configs") or {}
    version = by_qualifier.get(config.get("Version", "$LATEST"))
    return func.get("event_invoke_config") or version or by_qualifier.get("") or {}


def _attempt(
    func: Mapping[str, Any], event: Any, settings: Mapping[str, Any], lambda_svc: Any
) -> tuple[int, dict[str, Any], str]:
    """Number of invocations, the last result, and why it stopped trying."""
    retries = settings.get("MaximumRetryAttempts")
    allowed = 1 + (2 if retries is None else int(retries))
    expires = time.monotonic() + int(settings.get("MaximumEventAgeInSeconds") or 21600)
    function, made = str((func.get("config") or func).get("FunctionName")), 0
    while True:
        with _places[function]:  # a waiting event takes none of the account's concurrency
            result: dict[str, Any] = lambda_svc._execute_function(func, event)
        if result.get("throttle"):
            pause = _THROTTLE_WAIT
        else:
            made += 1
            if not result.get("error") or made >= allowed:
                return made, result, "RetriesExhausted"
            pause = lambda_svc._LAMBDA_ASYNC_RETRY_BASE_SECONDS * 2 ** (made - 1)
        if time.monotonic() + pause > expires:
            return made, result, "EventAgeExceeded"
        time.sleep(pause)


def _record(
    config: Any, event: Any, result: Mapping[str, Any], attempts: int, condition: str
) -> dict[str, Any]:
    answer: dict[str, Any] = {"statusCode": 200, "executedVersion": config.get("Version", "$LATEST")}
    if result.get("error"):
        answer["functionError"] = result.get("function_error") or "Unhandled"
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": f"{config['FunctionArn']}:{config.get('Version', '$LATEST')}",
            "condition": condition,
            "approximateInvokeCount": attempts,
        },
        "requestPayload": event,
        "responseContext": answer,
        "responsePayload": result.get("body"),
    }


def _send(role: str, arn: str, body: str, record: Any, attributes: Mapping[str, str] | None = None) -> None:
    from ministack.services import eventbridge, lambda_svc, sns

    service = arn.split(":")[2]
    action = _ACTIONS.get(service)
    if action and not _permissions.role_may(role, action, arn):
        log.warning("role %s may not %s to %s: a record of an asynchronous call is lost", role, action, arn)
        return
    if service == "sqs":
        sent = put_message(arn, body, attributes)
    elif service == "sns":
        named = {k: {"DataType": "String", "StringValue": v} for k, v in (attributes or {}).items()}
        sent = sns.publish_internal(arn, body, message_attributes=named) is not None
    elif service == "lambda":
        func, config, _ = lambda_svc._get_func_record_for_ref(arn)
        sent = bool(func)
        if func:
            lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(func, config), record)
    elif service == "events":
        failed = record["requestContext"]["condition"] != "Success"
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {'Failure' if failed else 'Success'}",
            "Detail": body,
            "Resources": [arn, record["requestContext"]["functionArn"]],
            "EventBusName": arn,
        }
        sent = eventbridge._put_events({"Entries": [entry]})[0] == 200
    else:
        raise NotImplementedError(f"destination {arn!r} of an asynchronous invocation")
    if not sent:
        log.warning("destination %s of an asynchronous invocation does not exist", arn)
