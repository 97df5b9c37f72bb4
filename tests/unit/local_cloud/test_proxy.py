"""The plain address passes every body whole or refuses it as a problem; nothing stays on the connection."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from scripts.local_run.proxy import LIMIT, ApiProxy


class Engine(BaseHTTPRequestHandler):
    """Answers with what it got; `/broken` gets no HTTP at all."""

    def _echo(self) -> None:
        if self.path.endswith("/broken"):
            self.wfile.write(b"this is not HTTP\r\n\r\n")
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = {"method": self.command, "path": self.path, "body": body[:100].decode(), "size": len(body)}
        payload = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = _echo

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


@pytest.fixture(scope="module")
def engine() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Engine)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def proxy(engine: HTTPServer) -> Iterator[ApiProxy]:
    proxy = ApiProxy(f"http://127.0.0.1:{engine.server_address[1]}/base", 0).start()
    yield proxy
    proxy.stop()


def answers(proxy: ApiProxy, *raw: bytes) -> list[tuple[int, str | None, Any]]:
    """Status, media type and body of every answer on one connection that sends these bytes."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
        connection.sendall(b"".join(raw))
        connection.shutdown(socket.SHUT_WR)
        found = []
        stream = connection.makefile("rb")
        while stream.peek(1):
            answer = http.client.HTTPResponse(_Stream(stream))  # type: ignore[arg-type]
            answer.begin()
            found.append((answer.status, answer.headers.get("Content-Type"), json.loads(answer.read())))
        stream.close()
        return found


class _Stream:
    """What HTTPResponse wants of a socket; the stream stays open for the next answer."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def makefile(self, mode: str) -> Any:
        return _Kept(self._stream)


class _Kept:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """The next answer comes on the same stream."""


NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"


def post(*headers: bytes) -> bytes:
    return b"".join(line + b"\r\n" for line in (b"POST /orders HTTP/1.1", b"Host: x", *headers, b""))


def test_chunked_body_arrives_whole_and_the_next_request_is_itself(proxy: ApiProxy) -> None:
    chunks = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
    first, second = answers(proxy, post(b"Transfer-Encoding: chunked"), chunks, NEXT)
    assert first[2] == {"method": "POST", "path": "/base/orders", "body": "hello world", "size": 11}
    assert (second[2]["method"], second[2]["path"], second[2]["size"]) == ("GET", "/base/next", 0)


def test_counted_body_arrives_whole_and_the_next_request_is_itself(proxy: ApiProxy) -> None:
    first, second = answers(proxy, post(b"Content-Length: 5"), b"hello", NEXT)
    assert first[2]["body"] == "hello"
    assert second[2]["path"] == "/base/next"


@pytest.mark.parametrize(
    "headers",
    [
        [b"Content-Length: -1"],
        [b"Content-Length: abc"],
        [b"Content-Length: 5, 6"],
        [b"Content-Length: 5", b"Content-Length: 6"],
        [b"Transfer-Encoding: gzip"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 5"],
    ],
)
def test_body_without_a_plain_end_is_a_400_problem_and_ends_the_connection(
    proxy: ApiProxy, headers: list[bytes]
) -> None:
    ((status, media, body),) = answers(proxy, post(*headers), b"hello", NEXT)
    assert (status, media, body["status"]) == (400, "application/problem+json", 400)
    assert body["type"] == "urn:problem:orders:malformed-request"
    assert body["instance"] == "/orders"


@pytest.mark.parametrize("chunks", [b"xyz\r\n", b"-5\r\nhello\r\n", b"3\r\nhello\r\n0\r\n\r\n", b""])
def test_broken_chunks_are_a_400_problem(proxy: ApiProxy, chunks: bytes) -> None:
    ((status, media, _),) = answers(proxy, post(b"Transfer-Encoding: chunked"), chunks)
    assert (status, media) == (400, "application/problem+json")


@pytest.mark.parametrize(
    "request_",
    [
        post(b"Content-Length: %d" % (LIMIT + 1)),
        post(b"Transfer-Encoding: chunked") + b"%x\r\n" % (LIMIT + 1),
    ],
)
def test_endless_body_is_a_413_problem_before_it_is_read(proxy: ApiProxy, request_: bytes) -> None:
    ((status, media, body),) = answers(proxy, request_)
    assert (status, media, body["type"]) == (
        413,
        "application/problem+json",
        "urn:problem:orders:payload-too-large",
    )


def test_engine_that_is_gone_is_a_502_problem(engine: HTTPServer, proxy: ApiProxy) -> None:
    ((status, media, body),) = answers(proxy, b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, media, body["type"]) == (
        502,
        "application/problem+json",
        "urn:problem:orders:bad-gateway",
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        lost = ApiProxy(f"http://127.0.0.1:{free.getsockname()[1]}", 0).start()
        ((status, _, _),) = answers(lost, NEXT)
        lost.stop()
    assert status == 502
