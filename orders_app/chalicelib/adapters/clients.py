"""The one door to boto3: clients made at first use, and vendor errors translated at their edge."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.domain.errors import MessageRefusedError, ThrottledError

_THROTTLES = {
    "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException",
    "RequestLimitExceeded", "LimitExceededException", "ProvisionedThroughputExceededException", "SlowDown",
}  # fmt: skip
_OUTAGES = {
    "InternalFailure", "InternalError", "InternalException", "InternalServiceError", "InternalErrorException",
    "ServiceUnavailable", "ServiceUnavailableException", "KMSThrottlingException", "KMSThrottling",
}  # fmt: skip


@functools.cache
def session() -> Any:
    import boto3

    return boto3.Session()


@functools.cache
def client(service: str) -> Any:
    """A client with short timeouts and two more tries: the callers' own retries do the rest.

    Region, credentials and an endpoint of another engine come from the environment, as boto3 reads them.
    """
    from botocore.config import Config

    return session().client(
        service,
        config=Config(
            connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}
        ),
    )


@functools.cache
def once_client(service: str) -> Any:
    """A client that never repeats a call by itself: for what must not be sent twice."""
    from botocore.config import Config

    return session().client(
        service,
        config=Config(
            connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1}
        ),
    )


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Throttles, outages and lost connections become ThrottledError, which the workflows retry by name."""
    from botocore.exceptions import ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnectionError

    try:
        yield
    except ClientError as fault:
        if is_transient(fault):
            raise ThrottledError(f"{operation}: {code_of(fault)}") from fault
        raise
    except (HTTPClientError, NoConnectionError) as fault:
        raise ThrottledError(f"{operation}: {type(fault).__name__}") from fault


@contextmanager
def sent_once(operation: str) -> Iterator[None]:
    """For a call whose repetition is a second message.

    Raises ThrottledError when it was surely not sent and may be tried again, MessageRefusedError when it
    never will be; any other error, a lost answer above all, leaves it unknown.
    """
    from botocore.exceptions import (
        ClientError,
        ConnectTimeoutError,
        EndpointConnectionError,
        ParamValidationError,
    )

    try:
        yield
    except ClientError as fault:
        if code_of(fault) in _THROTTLES:
            raise ThrottledError(f"{operation}: {code_of(fault)}") from fault
        status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if 400 <= status < 500:
            raise MessageRefusedError(
                f"{operation}: {code_of(fault)}"
            ) from None  # its text quotes the address
        raise
    except ParamValidationError:
        raise MessageRefusedError(f"{operation}: invalid parameters") from None
    except (EndpointConnectionError, ConnectTimeoutError) as fault:
        raise ThrottledError(f"{operation}: {type(fault).__name__}") from fault


def code_of(fault: Any) -> str:
    """The service's error code of a ClientError."""
    return str(fault.response.get("Error", {}).get("Code", ""))


def is_transient(fault: Any) -> bool:
    """Whether a ClientError may pass by itself: a throttle, or a fault on the service's side."""
    status = fault.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code_of(fault) in _THROTTLES | _OUTAGES or status >= 500 or status == 429
