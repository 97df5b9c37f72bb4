"""A handler called in this process as Lambda would call it: `python -m … MODULE:HANDLER COUNT PACE`.

Environment, database and bus are the deployed function's own. Prints one JSON line of milliseconds.
"""

import importlib
import io
import json
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from scripts.benchmarks.orders_load import BODY, keys

_WARM_UP = 10


class _Context:
    function_name = "benchmark"
    memory_limit_in_mb = 512
    log_group_name = log_stream_name = aws_request_id = invoked_function_arn = function_version = "benchmark"

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return 30_000


def main(folder: str, target: str, count: str, pace: str) -> None:
    """Call `target` (module:attribute, found in `folder`) `count` times, a call each `pace` seconds."""
    sys.path.insert(0, str(Path(folder)))
    module, _, name = target.partition(":")
    handler = getattr(importlib.import_module(module), name)
    spent: list[float] = []
    processor = 0.0
    for number, key in enumerate(keys("handler", _WARM_UP + int(count))):
        if number == _WARM_UP:
            spent, processor = [], time.process_time()
        with redirect_stdout(io.StringIO()):  # what it logs is no part of the answer
            start = time.perf_counter()
            answer = handler(event(key), _Context())
            spent.append((time.perf_counter() - start) * 1000)
        if answer["statusCode"] != 202:
            raise SystemExit(f"the handler answered {answer!r}")
        time.sleep(max(0.0, float(pace) - spent[-1] / 1000))
    processor = (time.process_time() - processor) / int(count) * 1000
    print(json.dumps({"milliseconds": spent, "processorMilliseconds": processor}))


def event(key: str) -> Mapping[str, Any]:
    """What API Gateway hands to a function for POST /orders (payload of a REST proxy integration)."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return {
        "resource": "/orders",
        "path": "/orders",
        "httpMethod": "POST",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/orders",
            "path": "/local/orders",
            "httpMethod": "POST",
            "stage": "local",
            "requestId": key,
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": json.dumps(BODY),
        "isBase64Encoded": False,
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
