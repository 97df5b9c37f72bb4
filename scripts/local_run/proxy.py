"""A plain address for the deployed API: forwards http://127.0.0.1:PORT/x to the engine's execute-api path."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

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


class _Forwarder(BaseHTTPRequestHandler):
    target = urlsplit("http://127.0.0.1")
    protocol_version = "HTTP/1.1"
    # Without these two a keep-alive client waits 40 ms for each delayed ACK.
    disable_nagle_algorithm = True
    wbufsize = -1

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        upstream = http.client.HTTPConnection(self.target.hostname or "", self.target.port, timeout=60)
        try:
            upstream.request(self.command, self.target.path + self.path, body or None, headers)
            answer = upstream.getresponse()
            payload = answer.read()
        except OSError as error:
            self.send_error(502, f"the engine does not answer: {error}")
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

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_HEAD = _forward

    def log_message(self, format: str, *args: object) -> None:
        """Requests are logged by the app itself."""
