"""Gap: a message for an e-mail subscription goes nowhere; here into `sns-mail.jsonl` of the state folder.

On AWS the reader has to confirm the subscription first; the engine counts it as confirmed.
docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
"""

import json
import threading
import time
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at

_lock = threading.Lock()


def install(context: Context) -> None:
    from ministack.services import sns

    parameters = ("topic_arn", "msg_id", "message", "subject", "message_structure", "message_attributes")
    fanout = function_at(sns, "_fanout", *parameters, "message_group_id", "message_dedup_id")
    matches = function_at(sns, "_matches_filter_policy", "sub", "message_attributes", "message")
    outbox = context.state_dir / "sns-mail.jsonl"
    outbox.unlink(missing_ok=True)

    def fanout_and_mail(
        topic_arn: str,
        msg_id: str,
        message: str,
        subject: str,
        message_structure: str = "",
        message_attributes: Any = None,
        **rest: Any,
    ) -> None:
        fanout(topic_arn, msg_id, message, subject, message_structure, message_attributes, **rest)
        topic = sns._topic_by_arn_any_scope(topic_arn) or {"subscriptions": []}
        for subscription in topic["subscriptions"]:
            if subscription.get("protocol") not in ("email", "email-json") or not subscription.get(
                "confirmed"
            ):
                continue
            text = sns._resolve_message_for_protocol(message, message_structure, subscription["protocol"])
            if matches(subscription, message_attributes or {}, text):
                mail = {"to": subscription["endpoint"], "topic": topic_arn, "subject": subject, "text": text}
                with _lock, outbox.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({**mail, "time": time.time()}) + "\n")

    sns._fanout = fanout_and_mail
