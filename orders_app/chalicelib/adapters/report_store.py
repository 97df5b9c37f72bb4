"""What the report does with its bucket and its workflow besides plain objects: claims, links, starts."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from chalicelib.adapters.clients import client, code_of, translated


class S3Claims:
    """A claim is an object that only one writer can make: a PUT with `If-None-Match: *`.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """

    def __init__(self, bucket: str, s3: Any = None) -> None:
        self._bucket = bucket
        self._s3 = s3

    def claim(self, key: str, body: bytes) -> bool:
        from botocore.exceptions import ClientError

        try:
            with translated("PutObject"):
                self._client().put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as fault:
            if code_of(fault) == "PreconditionFailed":
                return False
            raise
        return True

    def settle(self, key: str, body: bytes) -> None:
        with translated("PutObject"):
            self._client().put_object(Bucket=self._bucket, Key=key, Body=body)

    def _client(self) -> Any:
        return self._s3 or client("s3")


class ConsoleLinks:
    """An operator's way to an object: the console asks who is reading and never expires.

    A presigned address would: with the function's credentials, within hours; and until then it would be
    good for whoever has it. In stage `local` it is the engine's own address.
    """

    def __init__(self, bucket: str, stage: str, s3: Any = None) -> None:
        self._bucket = bucket
        self._stage = stage
        self._s3 = s3

    def of(self, key: str) -> str:
        meta = (self._s3 or client("s3")).meta
        if self._stage == "local":
            return f"{meta.endpoint_url}/{self._bucket}/{quote(key)}"
        return (
            f"https://{meta.region_name}.console.aws.amazon.com/s3/object/{self._bucket}"
            f"?region={meta.region_name}&prefix={quote(key)}"
        )


class StateMachine:
    """Starts executions by name."""

    def __init__(self, arn: str, stepfunctions: Any = None) -> None:
        self._arn = arn
        self._stepfunctions = stepfunctions

    def start(self, name: str, state: Mapping[str, Any]) -> bool:
        """False where an execution of that name exists, ended or not. A repeated start is harmless."""
        from botocore.exceptions import ClientError

        states = self._stepfunctions or client("stepfunctions")
        try:
            with translated("StartExecution"):
                states.start_execution(stateMachineArn=self._arn, name=name, input=json.dumps(state))
        except ClientError as fault:
            if code_of(fault) == "ExecutionAlreadyExists":
                return False
            raise
        return True
