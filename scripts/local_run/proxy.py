"""A plain address for the deployed API: forwards http://127.0.0.1:PORT/x to the engine's execute-api path."""

import http
import http.client
import json
import re
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

LIMIT = 20 * 1024 * 1024  # twice what the gateway takes: its own refusal is the better answer
_LINE = 4096
_HEX = re.compile(rb"[0-9A-Fa-f]{1,8}")
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "host"}


class ApiProxy:
    """Serves in the background until `stop`; listens on `port`, or on a free one when that is taken."""

    def __init__(self, target: str, port: int) -> None:
        handler = type("Handler", (_Forwarder,), {"target": urlsplit(target)})
        try:
            self._server = _Server(("127.0.0.1", port), handler)
        except OSError:
            self._server = _Server(("127.0.0.1", 0), handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="api-proxy", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> "ApiProxy":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class _BadBodyError(Exception):
    """A body that cannot be read to its end."""

    def __init__(self, status: int, slug: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.slug = status, slug


class _Forwarder(BaseHTTPRequestHandler):
    target = urlsplit("http://127.0.0.1")
    protocol_version = "HTTP/1.1"
    # Without these two a keep-alive client waits 40 ms for each delayed ACK.
    disable_nagle_algorithm = True
    wbufsize = -1

    def _forward(self) -> None:
        try:
            body = self._body()
        except _BadBodyError as error:
            self._refuse(error.status, error.slug, str(error))
            return
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP | {"content-length"}}
        upstream = http.client.HTTPConnection(self.target.hostname or "", self.target.port, timeout=60)
        try:
            upstream.request(self.command, self.target.path + self.path, body or None, headers)
            answer = upstream.getresponse()
            payload = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._refuse(502, "bad-gateway", f"the engine does not answer: {error!r}")
            return
        finally:
            upstream.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP | {"content-length", "date", "server"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    def _body(self) -> bytes:
        """The whole body, so that none of it is left on the connection; _BadBodyError where it has no end."""
        coding = self.headers.get("Transfer-Encoding", "").lower()
        lengths = self.headers.get_all("Content-Length") or []
        if coding:
            if coding != "chunked" or lengths:
                raise _BadBodyError(400, "malformed-request", f"transfer coding {coding!r} cannot be read")
            return b"".join(self._chunks())
        if len(set(lengths)) > 1 or not all(one.isascii() and one.isdigit() for one in lengths):
            raise _BadBodyError(400, "malformed-request", f"Content-Length is {', '.join(lengths)!r}")
        length = int(lengths[0]) if lengths else 0
        if length > LIMIT:
            raise _BadBodyError(413, "payload-too-large", f"a body has at most {LIMIT} bytes")
        return self.rfile.read(length)

    def _chunks(self) -> Iterator[bytes]:
        """https://www.rfc-editor.org/rfc/rfc9112#section-7.1"""
        left = LIMIT
        while size := self._chunk_size():
            left -= size
            if left < 0:
                raise _BadBodyError(413, "payload-too-large", f"a body has at most {LIMIT} bytes")
            yield self.rfile.read(size)
            if self.rfile.readline(_LINE) != b"\r\n":
                raise _BadBodyError(400, "malformed-request", "a chunk is longer than it says")
        while self.rfile.readline(_LINE).strip():
            """A trailer, which nobody asked for."""

    def _chunk_size(self) -> int:
        line = self.rfile.readline(_LINE).split(b";")[0].strip()
        if not _HEX.fullmatch(line):
            raise _BadBodyError(400, "malformed-request", f"the size of a chunk is {line[:20]!r}")
        return int(line, 16)

    def _refuse(self, status: int, slug: str, detail: str) -> None:
        """A problem like those of the API; the connection ends, as what is left on it means nothing."""
        title = http.HTTPStatus(status).phrase
        problem = {"type": f"urn:problem:orders:{slug}", "title": title, "status": status, "detail": detail}
        ids = {"instance": self.path.split("?")[0], "correlationId": str(uuid.uuid4())}
        payload = json.dumps({**problem, **ids}).encode()
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(payload)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = _forward

    def log_message(self, format: str, *args: object) -> None:
        """Requests are logged by the app itself."""
