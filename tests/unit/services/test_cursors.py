"""Cursors come back from clients, who may have changed them."""

import base64
import json
from typing import Any

import pytest

from chalicelib.domain.errors import InvalidQueryError
from chalicelib.services.cursors import position


@pytest.mark.parametrize(
    "content",
    [
        ["2026-01-01T00:00:00Z", "\ud800"],
        ["2026-01-01T00:00:00Z", "ORD\0"],
        ["2026-01-01T00:00:00", "ORD-1"],
        ["infinity", "ORD-1"],
        [1, 2],
        {"a": 1, "b": 2},
        "ab",
    ],
)
def test_a_cursor_that_a_client_made_up_is_refused(content: Any) -> None:
    text = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
    with pytest.raises(InvalidQueryError):
        position(text)


def test_a_cursor_that_nests_too_deeply_is_refused() -> None:
    with pytest.raises(InvalidQueryError):
        position(base64.urlsafe_b64encode(b"[" * 100_000).decode())
