"""One JSON call to AWS on a connection of its own, signed by botocore, without the client around it.

A client's call costs 0.9 ms of processor, this 0.3, twice as much each in a process that was idle: it is for
the calls that every order makes. Only for those that may be made twice: whatever is not answered at once by
200 is left to the client, which knows proxies, retries and the names of errors.
"""

import functools
import http.client
import json
import os
import select
import ssl
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from botocore.credentials import Credentials

_MOST_IDLE = 8
_CONNECT_SECONDS, _ANSWER_SECONDS = 1.0, 3.0  # what takes longer is the client's


class DirectCalls:
    """Calls of one service whose protocol is JSON; `client` and `credentials` are asked at the first call."""

    def __init__(self, client: Callable[[], Any], credentials: Callable[[], "Credentials | None"]) -> None:
        self._client = client
        self._credentials = credentials
        self._idle: deque[http.client.HTTPConnection] = deque()
        weakref.finalize(self, _close_all, self._idle)

    def call(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        """The service's answer, or None: then the client is to make the call, again perhaps."""
        credentials = self._credentials()
        if credentials is None or self._proxied:
            return None
        connection = self._idle_one() or self._new()
        try:
            if connection.sock is None:
                _open(connection)
            connection.request("POST", "/", *self._signed(operation, arguments, credentials))
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return None
        self._give_back(connection)
        return json.loads(body) if answer.status == 200 else None

    def _signed(
        self, operation: str, arguments: Mapping[str, Any], credentials: "Credentials"
    ) -> tuple[bytes, dict[str, str]]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        meta = self._client().meta
        model = meta.service_model
        headers = {
            "Content-Type": f"application/x-amz-json-{model.metadata['jsonVersion']}",
            "X-Amz-Target": f"{model.metadata['targetPrefix']}.{operation}",
        }
        body = json.dumps(arguments, ensure_ascii=False).encode()
        request = AWSRequest("POST", f"{self._origin}/", headers, body)
        SigV4Auth(credentials, model.signing_name, meta.region_name).add_auth(request)
        return body, dict(request.headers.items())

    @functools.cached_property
    def _origin(self) -> str:
        return str(self._client().meta.endpoint_url).rstrip("/")

    @functools.cached_property
    def _proxied(self) -> bool:
        from botocore.utils import get_environ_proxies

        return bool(get_environ_proxies(self._origin))

    @functools.cached_property
    def _trusted(self) -> ssl.SSLContext:
        from botocore.httpsession import get_cert_path

        given = os.environ.get("AWS_CA_BUNDLE")
        return ssl.create_default_context(cafile=given or get_cert_path(True))

    def _idle_one(self) -> http.client.HTTPConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if _is_open(connection):
                return connection
            connection.close()
        return None

    def _new(self) -> http.client.HTTPConnection:
        address = urlsplit(self._origin)
        host, port = address.hostname or "", address.port
        if address.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=_CONNECT_SECONDS, context=self._trusted)
        return http.client.HTTPConnection(host, port, timeout=_CONNECT_SECONDS)

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        if connection.sock is None or len(self._idle) >= _MOST_IDLE:
            connection.close()  # the service wants no more calls on it
        else:
            self._idle.append(connection)


def _close_all(connections: deque[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def _open(connection: http.client.HTTPConnection) -> None:
    connection.connect()
    connection.sock.settimeout(_ANSWER_SECONDS)


def _is_open(connection: http.client.HTTPConnection) -> bool:
    """An idle connection with something to read was closed by the other side."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)
