"""The short way to a service: signed as the client signs, and left to the client where it leads nowhere."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from chalicelib.adapters.direct_calls import DirectCalls
from tests.contract.cloud import eventually

KEYS = Credentials("key", "secret", "session")
ENTRIES = {"Entries": [{"Source": "order.service", "Detail": '{"name": "Zoë"}'}]}


class Service(ThreadingHTTPServer):
    """Answers every call with `status`; keeps what it was asked, and on how many connections."""

    daemon_threads = True

    def __init__(self) -> None:
        self.status, self.closes = 200, False
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.connections = self.closed = 0
        super().__init__(("127.0.0.1", 0), Call)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.closed += 1

    def has_closed(self, connections: int) -> bool:
        return self.closed >= connections


class Call(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((dict(self.headers.items()), body))
        answer = json.dumps({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = self.server.closes

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def calls(url: str) -> DirectCalls:
    client = boto3.client("events", region_name="eu-central-1", endpoint_url=url)
    return DirectCalls(lambda: client, lambda: KEYS)


def test_the_answer_is_the_services(service: Service) -> None:
    answer = calls(service.url).call("PutEvents", ENTRIES)
    assert answer == {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
    [(headers, body)] = service.asked
    assert headers["X-Amz-Target"] == "AWSEvents.PutEvents"
    assert json.loads(body) == ENTRIES


def test_what_arrives_is_what_was_signed(service: Service) -> None:
    calls(service.url).call("PutEvents", ENTRIES)
    [(headers, body)] = service.asked
    credential, signed, signature = (
        part.partition("=")[2] for part in headers["Authorization"].split(" ", 1)[1].split(", ")
    )
    assert credential.startswith("key/")
    assert credential.endswith("/eu-central-1/events/aws4_request")
    assert {"host", "x-amz-date", "x-amz-security-token", "x-amz-target"} <= set(signed.split(";"))
    arrived = {name.lower(): value for name, value in headers.items()}
    signing = SigV4Auth(KEYS, "events", "eu-central-1")
    covered = {name: arrived[name] for name in signed.split(";")}
    request = AWSRequest("POST", f"http://{headers['Host']}/", covered, body)
    request.context["timestamp"] = headers["X-Amz-Date"]
    text = signing.string_to_sign(request, signing.canonical_request(request))
    assert signing.signature(text, request) == signature


def test_a_connection_is_kept_for_the_next_call(service: Service) -> None:
    direct = calls(service.url)
    assert all(direct.call("PutEvents", ENTRIES) for _ in range(3))
    assert service.connections == 1


def test_a_connection_that_the_service_closed_is_made_again(service: Service) -> None:
    direct, service.closes = calls(service.url), True
    for number in (1, 2, 3):
        assert direct.call("PutEvents", ENTRIES)
        eventually(partial(service.has_closed, number))  # before that it looks alive
    assert service.connections == 3


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_what_is_not_answered_by_200_is_left_to_the_client(service: Service, status: int) -> None:
    service.status = status
    assert calls(service.url).call("PutEvents", ENTRIES) is None


def test_a_service_that_does_not_answer_is_left_to_the_client(service: Service) -> None:
    service.server_close()
    assert calls(service.url).call("PutEvents", ENTRIES) is None


def test_without_credentials_nothing_is_sent(service: Service) -> None:
    client = boto3.client("events", endpoint_url=service.url)
    assert DirectCalls(lambda: client, lambda: None).call("PutEvents", ENTRIES) is None
    assert service.asked == []


def test_the_way_through_a_proxy_is_the_clients(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "")
    assert calls(service.url).call("PutEvents", ENTRIES) is None
    assert service.asked == []
