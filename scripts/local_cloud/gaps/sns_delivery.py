"""Gap: SNS loses what it cannot deliver, and calls functions synchronously with an incomplete record.

docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html (a subscription's RedrivePolicy takes what its
endpoint cannot) and docs.aws.amazon.com/lambda/latest/dg/with-sns.html (asynchronous, with Subject and
MessageAttributes in every record).
"""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from scripts.local_cloud.gaps import Context, _permissions
from scripts.local_cloud.gaps._queues import put_message
from scripts.local_cloud.seams import function_at

log = logging.getLogger("local_cloud.sns")


def install(context: Context) -> None:
    from ministack.services import lambda_svc, sns, sqs

    to_queue = function_at(
        sns,
        "_deliver_to_sqs",
        *("endpoint", "envelope", "raw", "raw_message"),
        *("message_group_id", "message_dedup_id", "message_attributes", "topic_arn"),
    )
    function_at(
        sns,
        "_deliver_to_lambda",
        *("endpoint", "envelope", "topic_arn", "sub_arn", "msg_id", "raw_message", "message_attributes"),
    )

    def deliver_to_queue(endpoint: str, envelope: str, raw: bool, raw_message: str, **rest: Any) -> None:
        topic_arn = rest.get("topic_arn", "")
        account = topic_arn.split(":")[4] if topic_arn else ""
        if sqs._queue_by_arn(endpoint) and sqs.queue_policy_allows(
            endpoint, "sns.amazonaws.com", topic_arn, account
        ):
            to_queue(endpoint, envelope, raw, raw_message, **rest)
            return
        _bury(sns, topic_arn, "sqs", endpoint, raw_message if raw else envelope)

    def deliver_to_function(
        endpoint: str,
        envelope: str,
        topic_arn: str,
        sub_arn: str,
        msg_id: str,
        raw_message: str,
        message_attributes: Mapping[str, Any],
    ) -> None:
        func, config, _ = lambda_svc._get_func_record_for_ref(endpoint)
        if (
            not func
            or not config
            or not _permissions.service_may_invoke(func, "sns.amazonaws.com", topic_arn)
        ):
            _bury(sns, topic_arn, "lambda", endpoint, envelope)
            return
        message = {"Subject": None, "MessageAttributes": {}, **json.loads(envelope)}
        record = {
            "EventVersion": "1.0",
            "EventSubscriptionArn": sub_arn,
            "EventSource": "aws:sns",
            "Sns": message,
        }
        invoke: Callable[..., None] = lambda_svc.invoke_async_with_retry
        invoke(lambda_svc._execution_record_for_config(func, config), {"Records": [record]})

    sns._deliver_to_sqs = deliver_to_queue
    sns._deliver_to_lambda = deliver_to_function


def _bury(sns: Any, topic_arn: str, protocol: str, endpoint: str, body: str) -> None:
    """To the dead-letter queue of the subscription, else lost with a word, as on AWS."""
    topic = sns._topic_by_arn_any_scope(topic_arn) or {"subscriptions": []}
    for subscription in topic["subscriptions"]:
        if (subscription.get("protocol"), subscription.get("endpoint")) != (protocol, endpoint):
            continue
        policy = json.loads(subscription.get("attributes", {}).get("RedrivePolicy") or "{}")
        if put_message(policy.get("deadLetterTargetArn", ""), body):
            return
    log.warning("message of %s for %s is lost: no such endpoint or no permission", topic_arn, endpoint)
