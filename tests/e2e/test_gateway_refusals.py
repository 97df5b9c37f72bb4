"""What the gateway itself refuses through the deployed API: too many requests, a body too large."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib import names
from scripts.local_run.outside import wait_until
from tests.live import Platform, crashing

pytestmark = pytest.mark.e2e
GATEWAY_LIMIT = 10 * 1024 * 1024


def send(platform: Platform, method: str, path: str, body: bytes = b"") -> tuple[int, Any, Any]:
    """Status, headers, decoded body."""
    connection = http.client.HTTPConnection(urlsplit(platform.api_url).netloc, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())
    finally:
        connection.close()


def assert_problem(answer: tuple[int, Any, Any], status: int, slug: str) -> None:
    found, headers, body = answer
    assert (found, headers["Content-Type"]) == (status, "application/problem+json"), body
    assert (body["status"], body["type"]) == (status, f"urn:problem:orders:{slug}")
    assert body["title"]


def test_a_body_larger_than_64_kb_is_a_413_problem_of_the_app(platform: Platform) -> None:
    body = json.dumps({"customer": "x" * 65 * 1024}).encode()
    assert_problem(send(platform, "POST", "/orders", body), 413, "payload-too-large")


def test_a_body_that_the_gateway_does_not_take_is_a_413_problem_too(platform: Platform) -> None:
    assert_problem(send(platform, "POST", "/orders", b"x" * (GATEWAY_LIMIT + 1)), 413, "payload-too-large")


def test_who_asks_too_often_gets_a_429_problem_and_is_told_to_come_back(platform: Platform) -> None:
    with throttled(platform):
        answer = wait_until(
            lambda: send(platform, "GET", "/products"), lambda answer: answer[0] == 429, "the limit", 30
        )
        assert_problem(answer, 429, "too-many-requests")
        assert int(answer[1]["Retry-After"]) > 0
    wait_until(lambda: send(platform, "GET", "/products")[0], lambda status: status == 200, "calm again")


def test_what_the_gateway_answers_names_the_path_with_its_stage(platform: Platform) -> None:
    answer = send(platform, "GET", "/no/such%22route")
    assert_problem(answer, 404, "not-found")
    assert answer[2]["instance"].startswith("/local/no/such")
    answer = send(platform, "DELETE", "/products")
    assert_problem(answer, 404, "not-found")
    assert answer[2]["instance"] == "/local/products"


def test_function_that_crashes_is_a_502_problem_without_its_insides(platform: Platform) -> None:
    with crashing(platform):
        found, headers, body = wait_until(
            lambda: send(platform, "GET", "/products"), lambda answer: answer[0] != 200, "the crash", 30
        )
        assert (found, headers["Content-Type"]) == (502, "application/problem+json")
        assert body["type"] == "urn:problem:orders:internal-error"
        assert body["instance"] == "/local/products"
        assert set(body) == {"type", "title", "detail", "instance", "correlationId"}
    wait_until(lambda: send(platform, "GET", "/products")[0], lambda status: status == 200, "well again")


@contextmanager
def throttled(platform: Platform) -> Iterator[None]:
    """The stage takes one request a second, as `throttle_rate` of a stage's settings sets it."""
    gateway = platform.client("apigateway")
    [api] = [one["id"] for one in gateway.get_rest_apis()["items"] if one["name"] == names.APP]
    settings = gateway.get_stage(restApiId=api, stageName="local")["methodSettings"]["*/*"]
    before = {"rate": settings["throttlingRateLimit"], "burst": settings["throttlingBurstLimit"]}

    def limit(rate: float, burst: int) -> None:
        gateway.update_stage(
            restApiId=api,
            stageName="local",
            patchOperations=[
                {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": str(rate)},
                {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": str(burst)},
            ],
        )

    limit(1, 1)
    try:
        yield
    finally:
        limit(before["rate"], before["burst"])
