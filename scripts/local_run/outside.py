"""What the outside world sees of the platform: API answers, the gateway's ledger, the mail and SMS store."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

Json = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """One answer of the API: `status` is the HTTP status, `body` the decoded JSON."""

    status: int
    body: Json


@dataclass(frozen=True)
class Api:
    """A client of the order API at `url` (no trailing slash)."""

    url: str

    def get(self, path: str) -> Answer:
        return self._call("GET", path, None, {})

    def post(self, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str] = {}) -> Answer:
        return self._call("POST", path, body, headers)

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json", **headers}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return Answer(response.status, json.loads(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.loads(error.read() or b"{}"))


@dataclass(frozen=True)
class Post:
    """One mail or SMS as the provider's store holds it."""

    channel: str
    to: str
    text: str


def delivered(endpoint: str) -> list[Post]:
    """Every mail and SMS that the engine's SES and SNS accepted, oldest first for each channel."""
    mails = _read(f"{endpoint}/_ministack/ses/messages")["messages"]
    texts = _read(f"{endpoint}/_ministack/sns/sms-messages")["sms_messages"]
    return [
        Post("email", ", ".join(mail["To"]), f"{mail['Subject']}\n{mail['BodyText']}")
        for box in mails.values()
        for mail in box
    ] + [Post("sms", sms["PhoneNumber"], sms["Message"]) for box in texts.values() for sms in box]


def wait_until(read: Callable[[], T], done: Callable[[T], bool], what: str, seconds: float = 60.0) -> T:
    """Poll `read` until `done` accepts what it returns. Raises TimeoutError naming `what`."""
    deadline = time.monotonic() + seconds
    while not done(found := read()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:.0f} s; last seen: {found!r}")
        time.sleep(0.05)
    return found


def _read(url: str) -> Json:
    with urllib.request.urlopen(url, timeout=30) as response:
        answer: Json = json.loads(response.read())
        return answer


@dataclass(frozen=True)
class Entry:
    """One line of the payment gateway's own ledger; `amount` is in minor units."""

    kind: str
    state: str
    amount: int
    currency: str


def ledger(database_url: str) -> dict[str, list[Entry]]:
    """The gateway's ledger by order id, oldest first: what really happened to the customers' money."""
    import psycopg

    found: dict[str, list[Entry]] = {}
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT order_ref, kind, state, amount, currency FROM gateway.ledger ORDER BY id"
        )
        for order_id, *entry in rows:
            found.setdefault(order_id, []).append(Entry(*entry))
    return found
