"""Gap: a target that cannot be reached loses the event; RetryPolicy and DeadLetterConfig are ignored.

docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html (attributes of a dead letter, and that a
missing target or permission is not retried) and …/eb-rule-retry-policy.html. The body of a dead letter is
the event as the rule matched it.
"""

import contextvars
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from scripts.local_cloud.gaps import Context, _permissions
from scripts.local_cloud.gaps._queues import put_message
from scripts.local_cloud.seams import function_at

log = logging.getLogger("local_cloud.eventbridge")
_FIRST_PAUSE = 0.2
_EVENTS_KEPT = 1_000
_current: contextvars.ContextVar["tuple[Any, Any, Any] | None"] = contextvars.ContextVar(
    "target", default=None
)


class DeliveryError(Exception):
    """The target did not take the event; only some reasons are worth another try."""

    def __init__(self, code: str, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


def install(context: Context) -> None:
    from ministack.services import eventbridge

    invoke = function_at(eventbridge, "_invoke_target", "target", "event", "rule", "view")
    senders: list[tuple[str, tuple[str, ...], Callable[..., None]]] = [
        ("_dispatch_to_lambda", ("arn", "payload"), _to_lambda),
        ("_dispatch_to_sqs", ("spec", "payload", "sqs_parameters"), _to_sqs),
        ("_dispatch_to_sns", ("arn", "payload"), _to_sns),
        ("_dispatch_to_stepfunctions", ("arn", "payload"), _to_stepfunctions),
    ]

    validate = function_at(eventbridge, "_validate_target_arn", "target")

    def validate_with_role(target: Mapping[str, Any]) -> Any:
        if ":states:" in target.get("Arn", "") and not target.get("RoleArn"):
            reason = f"RoleArn is required for target {target['Arn']}."
            return eventbridge.error_response_json("ValidationException", reason, 400)
        return validate(target)

    def invoke_with_policy(target: Any, event: Any, rule: Any, view: Any = None) -> None:
        matched = view or eventbridge._pattern_event_view(event)
        token = _current.set((target, rule, matched))
        try:
            invoke(target, event, rule, matched)
        finally:
            _current.reset(token)

    eventbridge._validate_target_arn = validate_with_role
    eventbridge._invoke_target = invoke_with_policy
    put = function_at(eventbridge, "_put_events", "data", "allow_aws_source")

    def put_and_forget(data: Any, allow_aws_source: bool = False) -> Any:
        """The engine's log of all events grows for ever; nothing reads more than its end."""
        events = eventbridge._events_log_list()
        if len(events) > 2 * _EVENTS_KEPT:
            del events[:-_EVENTS_KEPT]
        return put(data, allow_aws_source)

    eventbridge._put_events = put_and_forget
    for name, parameters, send in senders:
        original = function_at(eventbridge, name, *parameters)
        setattr(eventbridge, name, _with_policy(send, original))


def _with_policy(send: Callable[..., None], original: Callable[..., Any]) -> Callable[..., None]:
    def dispatch(*arguments: Any) -> None:
        bound = _current.get()
        try:
            send(original, *arguments)
        except DeliveryError as error:
            if bound is None:
                log.warning("event not delivered: %s", error)
            elif error.retryable:
                work = contextvars.copy_context().run
                threading.Thread(
                    target=work, args=(_retry, send, original, arguments, error), daemon=True, name="eb-retry"
                ).start()
            else:
                _bury(error, 0, None)

    return dispatch


def _retry(
    send: Callable[..., None], original: Callable[..., Any], arguments: tuple[Any, ...], error: DeliveryError
) -> None:
    target, _, _ = _current.get()  # type: ignore[misc]
    policy = target.get("RetryPolicy") or {}
    attempts = int(policy.get("MaximumRetryAttempts", 185))
    expires = time.monotonic() + int(policy.get("MaximumEventAgeInSeconds", 86400))
    for number in range(attempts):
        pause = min(_FIRST_PAUSE * 2**number, 60.0)
        if time.monotonic() + pause > expires:
            return _bury(error, number, "MaximumEventAgeInSeconds")
        time.sleep(pause)
        try:
            return send(original, *arguments)
        except DeliveryError as again:
            error = again
            if not again.retryable:
                return _bury(error, number + 1, None)
    return _bury(error, attempts, "MaximumRetryAttempts")


def _bury(error: DeliveryError, attempts: int, condition: str | None) -> None:
    """Hand the event to the target's dead-letter queue, or say aloud that it is lost, as it is on AWS."""
    target, rule, matched = _current.get()  # type: ignore[misc]
    event = json.dumps(matched.event_with_detail())
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    attributes = {
        "RULE_ARN": rule.get("Arn", ""),
        "TARGET_ARN": target.get("Arn", ""),
        "ERROR_CODE": error.code,
        "ERROR_MESSAGE": str(error),
        "RETRY_ATTEMPTS": str(attempts),
    }
    if condition:
        attributes["EXHAUSTED_RETRY_CONDITION"] = condition
    if not queue or not put_message(queue, event, attributes):
        log.warning("event for %s is lost (%s: %s)", target.get("Arn"), error.code, error)


def _missing(arn: str) -> DeliveryError:
    return DeliveryError("NO_RESOURCE", f"The target {arn} does not exist", retryable=False)


def _forbidden(message: str) -> DeliveryError:
    return DeliveryError("NO_PERMISSIONS", message, retryable=False)


def _rule_arn() -> str:
    bound = _current.get()
    return str(bound[1].get("Arn", "")) if bound else ""


def _role_arn() -> str:
    bound = _current.get()
    return str(bound[0].get("RoleArn", "")) if bound else ""


def _to_lambda(_: Callable[..., Any], arn: str, payload: str) -> None:
    from ministack.services import lambda_svc

    func, config, _name = lambda_svc._get_func_record_for_ref(arn)
    if not func or not config:
        raise _missing(arn)
    if not _permissions.service_may_invoke(func, "events.amazonaws.com", _rule_arn()):
        raise _forbidden(f"The policy of function {arn} lets no rule invoke it")
    event = json.loads(payload)
    lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(func, config), event)


def _to_sqs(original: Callable[..., Any], spec: Any, payload: str, parameters: Mapping[str, Any]) -> None:
    from ministack.services import sqs

    arn = str(spec)
    if sqs._queue_by_arn(arn) is None:
        raise _missing(arn)
    if not sqs.queue_policy_allows(arn, "events.amazonaws.com", _rule_arn(), spec.account_id):
        raise _forbidden(f"The policy of queue {arn} lets no rule send to it")
    if arn.endswith(".fifo") and not parameters.get("MessageGroupId"):
        raise DeliveryError("SDK_CLIENT_ERROR", "A FIFO queue needs a MessageGroupId", retryable=False)
    original(spec, payload, parameters)


def _to_sns(_: Callable[..., Any], arn: str, payload: str) -> None:
    from ministack.services import sns

    if sns._topic_by_arn_any_scope(arn) is None:
        raise _missing(arn)
    if not sns.topic_policy_allows(arn, "events.amazonaws.com", _rule_arn(), arn.split(":")[4]):
        raise _forbidden(f"The policy of topic {arn} lets no rule publish")
    try:
        sns.publish_internal(arn, payload)
    except sns.SnsPublishError as error:
        raise DeliveryError("SDK_CLIENT_ERROR", str(error), retryable=False) from error


def _to_stepfunctions(_: Callable[..., Any], arn: str, payload: str) -> None:
    from ministack.services import stepfunctions

    if stepfunctions._resolve_state_machine_arn(arn) is None:
        raise _missing(arn)
    if not (role := _role_arn()) or not _permissions.role_may(role, "states:StartExecution", arn):
        raise _forbidden(f"The target's role {role!r} may not start {arn}")
    status, _headers, body = stepfunctions._start_execution({"stateMachineArn": arn, "input": payload})
    if status >= 500:
        raise DeliveryError("INTERNAL_ERROR", body.decode(), retryable=True)
    if status >= 300:
        raise DeliveryError("SDK_CLIENT_ERROR", body.decode(), retryable=False)
