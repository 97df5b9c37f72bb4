"""A Serverless Application Repository over HTTP, for the real client, as its reference has it.

https://docs.aws.amazon.com/serverlessrepo/latest/devguide/resources.html
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

ARN = "arn:aws:serverlessrepo:us-east-1:000000000000:applications/"


@dataclass
class Repository:
    """What was published: the bodies of the versions, by application and version."""

    url: str = ""
    applications: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body of one call."""
        parts = [unquote(one) for one in urlsplit(path).path.strip("/").split("/")]
        if parts == ["applications"]:
            return self._create(body) if method == "POST" else (200, {"applications": self._listed()})
        name = "/".join(parts[1:3]).removeprefix(ARN) if len(parts) > 2 else parts[1].removeprefix(ARN)
        name = name.split("/")[0]
        versions = self.applications.get(name)
        if versions is None:
            return 404, {"errorCode": "NotFoundException", "message": f"no application {name}"}
        if method == "GET" and parts[-1] == "versions":
            listed = [{"applicationId": ARN + name, "semanticVersion": one} for one in versions]
            return 200, {"versions": listed}
        if method == "PUT":
            return self._version(name, parts[-1], body)
        return 200, {"applicationId": ARN + name}

    def _listed(self) -> list[dict[str, Any]]:
        return [{"applicationId": ARN + name, "name": name} for name in self.applications]

    def _create(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if body["name"] in self.applications:
            return 409, {"errorCode": "ConflictException", "message": "the resource already exists"}
        self.applications[body["name"]] = {body["semanticVersion"]: body}
        return 201, {"applicationId": ARN + body["name"]}

    def _version(self, name: str, version: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if version in self.applications[name]:
            return 409, {"errorCode": "ConflictException", "message": "the resource already exists"}
        self.applications[name][version] = body
        return 201, {"applicationId": ARN + name, "semanticVersion": version}


@contextmanager
def served() -> Iterator[Repository]:
    """The repository at `url` until the block ends."""
    repository = Repository()

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, body = repository.answer(self.command, self.path, json.loads(given or b"{}"))
            payload = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status >= 400:
                self.send_header("x-amzn-ErrorType", body["errorCode"])
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_PATCH = _do

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    repository.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield repository
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
