"""A name must be one that somebody can see."""

import pytest

from chalicelib.domain.visible import is_visible


@pytest.mark.parametrize(
    "text", ["A", "李", "👩\u200d🚀", "\ufeffJane", "é", "e\u0301", "-", "7", "\u3164한"]
)
def test_whatever_is_drawn_is_seen(text: str) -> None:
    assert is_visible(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \u00a0\u3000",
        "\ufeff\u200b",
        "\u3164",
        "\u115f\u1160\uffa0",
        "\u2800",
        "\u00ad\u2060",
        "\u0301",
        "\ufe0f",
    ],
)
def test_what_is_drawn_as_nothing_is_not(text: str) -> None:
    assert not is_visible(text)
