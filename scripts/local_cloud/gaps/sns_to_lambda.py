"""Gap: SNS calls a function once, synchronously, with a record that lacks Subject and MessageAttributes.

SNS invokes asynchronously (two retries, then the function's failure destination), and its record always
has both: docs.aws.amazon.com/lambda/latest/dg/with-sns.html.
"""

import json
from collections.abc import Mapping
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at


def install(context: Context) -> None:
    from ministack.services import lambda_svc, sns

    parameters = (
        "endpoint",
        "envelope",
        "topic_arn",
        "sub_arn",
        "msg_id",
        "raw_message",
        "message_attributes",
    )
    function_at(sns, "_deliver_to_lambda", *parameters)
    invoke = function_at(lambda_svc, "invoke_async_with_retry", "func", "event")

    def deliver(
        endpoint: str,
        envelope: str,
        topic_arn: str,
        sub_arn: str,
        msg_id: str,
        raw_message: str,
        message_attributes: Mapping[str, Any],
    ) -> None:
        func, config, _ = lambda_svc._get_func_record_for_ref(endpoint)
        if not func or not config:
            raise LookupError(f"function {endpoint!r} does not exist")
        message = {"Subject": None, "MessageAttributes": {}, **json.loads(envelope)}
        record = {
            "EventVersion": "1.0",
            "EventSubscriptionArn": sub_arn,
            "EventSource": "aws:sns",
            "Sns": message,
        }
        invoke(lambda_svc._execution_record_for_config(func, config), {"Records": [record]})

    sns._deliver_to_lambda = deliver
