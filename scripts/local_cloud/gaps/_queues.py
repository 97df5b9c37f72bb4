"""Put a message into one of the engine's queues from inside, as an AWS service does for a dead letter."""

import hashlib
import time
import uuid
from collections.abc import Mapping


def put_message(queue_arn: str, body: str, attributes: Mapping[str, str] | None = None) -> bool:
    """Whether the queue exists and so took the message; attributes become String message attributes."""
    from ministack.core.concurrency import esm_wake
    from ministack.services import sqs

    queue = sqs._queue_by_arn(queue_arn)
    if queue is None:
        return False
    now = time.time()
    named = {k: {"DataType": "String", "StringValue": v} for k, v in (attributes or {}).items()}
    message = {
        "id": str(uuid.uuid4()),
        "body": body,
        "md5_body": hashlib.md5(body.encode()).hexdigest(),
        "md5_attrs": sqs._md5_msg_attrs(named),
        "message_attributes": named,
        "sent_at": now,
        "visible_at": now + sqs.queue_delay(queue),
    }
    sqs._ensure_msg_fields(message)
    queue["messages"].append(message)
    esm_wake.set()
    return True
