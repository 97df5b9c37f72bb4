"""JSON of others is read or refused with one error, however deeply it nests."""

import json

import pytest

from chalicelib.domain.json_values import MAX_DEPTH, JsonValueError, parsed

ARRAYS, OBJECTS = ("[", "1", "]"), ('{"a":', "1", "}")


def nested(levels: int, shape: tuple[str, str, str] = ARRAYS) -> str:
    opening, inside, closing = shape
    return opening * levels + inside + closing * levels


@pytest.mark.parametrize("shape", [ARRAYS, OBJECTS])
@pytest.mark.parametrize("encoded", [str, str.encode])
def test_value_may_nest_so_deeply_and_no_deeper(shape: tuple[str, str, str], encoded: type) -> None:
    assert parsed(encoded(nested(MAX_DEPTH, shape))) == json.loads(nested(MAX_DEPTH, shape))
    for levels in (MAX_DEPTH + 1, 900, 100_000):
        with pytest.raises(JsonValueError):
            parsed(encoded(nested(levels, shape)))


def test_width_is_not_depth_and_brackets_in_text_are_none() -> None:
    wide = [[[1]]] * 500
    assert parsed(json.dumps(wide)) == wide
    assert parsed(json.dumps(["[" * 500])) == ["[" * 500]


@pytest.mark.parametrize("text", ["", "{", "words", "[" * 100_000, '{"a":' * 100_000, b"\xff", "1" * 5_000])
def test_whatever_cannot_be_read_is_the_same_error(text: str | bytes) -> None:
    with pytest.raises(JsonValueError):
        parsed(text)


def test_options_of_the_parser_are_kept() -> None:
    assert parsed('{"amount": 1.10}', parse_float=str) == {"amount": "1.10"}
