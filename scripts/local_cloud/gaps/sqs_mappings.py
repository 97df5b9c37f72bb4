"""Gap: a wrong partial answer deletes the batch, filtered messages come back when their batch fails, and no
filter finds a field absent whose parent is.

docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (which answers mean success and failure)
and docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html (what no filter matches is deleted at once).
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at, value_at

log = logging.getLogger("local_cloud.mappings")
Message = Mapping[str, Any]


def install(context: Context) -> None:
    from ministack.services import lambda_svc

    function_at(lambda_svc, "_run_sqs_batch", "esm", "func_rec", "event", "batch", "queue_url", "queue_name")
    function_at(lambda_svc, "_execute_function", "func", "event")
    value_at(lambda_svc, "_ESM_BACKOFF_SECONDS", float)
    matches = function_at(lambda_svc, "_match_esm_filter", "record", "pattern")
    lambda_svc._run_sqs_batch = _run

    def match(record: Message, pattern: Any) -> bool:
        """What is absent has absent fields, too: `{"a": {"b": [{"exists": false}]}}` matches `{}`."""
        nested = pattern if isinstance(pattern, dict) else {}
        absent: dict[str, Any] = {
            key: {} for key, inner in nested.items() if isinstance(inner, dict) and key not in record
        }
        return bool(matches({**record, **absent}, pattern))

    lambda_svc._match_esm_filter = match


def _run(
    esm: dict[str, Any], func_rec: Any, event: Any, batch: Sequence[Message], queue_url: str, queue_name: str
) -> None:
    from ministack.services import lambda_svc

    given = {record["messageId"] for record in event["Records"]}
    _delete(queue_url, [message for message in batch if message["id"] not in given])
    result = lambda_svc._execute_function(func_rec, event)
    partial = "ReportBatchItemFailures" in esm.get("FunctionResponseTypes", [])
    failed = given if result.get("error") else failures(result.get("body"), given) if partial else set()
    _delete(queue_url, [message for message in batch if message["id"] in given - failed])
    if failed == given:
        log.warning("batch of %s failed: %.500s", queue_name, json.dumps(result.get("body"), default=str))
        esm["LastProcessingResult"] = "FAILED"
        lambda_svc._esm_backoff_until[esm["UUID"]] = time.time() + lambda_svc._ESM_BACKOFF_SECONDS
    else:
        esm["LastProcessingResult"] = f"OK - {len(given - failed)} records, {len(failed)} partial failures"
        lambda_svc._esm_backoff_until.pop(esm["UUID"], None)


def failures(answer: Any, given: set[str]) -> set[str]:
    """The messages that a partial answer gives back; all of them when it cannot be understood."""
    if isinstance(answer, str) and answer:
        try:
            answer = json.loads(answer)
        except ValueError:
            return given
    if not answer:
        return set()
    listed = answer.get("batchItemFailures", []) if isinstance(answer, dict) else None
    if listed is None and isinstance(answer, dict):
        return set()
    if not isinstance(listed, list):
        return given
    named = {str(item.get("itemIdentifier")) if isinstance(item, dict) else "" for item in listed}
    return named if named <= given else given


def _delete(queue_url: str, messages: Sequence[Message]) -> None:
    from ministack.services import sqs

    handles = {message["receipt_handle"] for message in messages if message.get("receipt_handle")}
    sqs._delete_messages_for_esm(queue_url, handles)
