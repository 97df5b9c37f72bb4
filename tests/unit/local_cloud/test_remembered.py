"""What the engine works out of a text, it works out once."""

from typing import Any

import pytest

from scripts.local_cloud.remembered import remembering


class Counting:
    """Answers with the words of a text, refuses what is no text or has none, and counts."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def words(self, text: Any) -> list[str]:
        self.asked.append(text)
        if not isinstance(text, str) or not text:
            raise ValueError(f"no words in {text!r}")
        return text.split()


def test_the_same_text_is_worked_out_once() -> None:
    counting = Counting()
    ask = remembering(counting.words)
    assert [ask("a b"), ask("a b"), ask("c")] == [["a", "b"], ["a", "b"], ["c"]]
    assert counting.asked == ["a b", "c"]


@pytest.mark.parametrize("refused", ["", ["a", "list"], None])
def test_what_is_refused_is_refused_each_time(refused: Any) -> None:
    counting = Counting()
    ask = remembering(counting.words)
    for _ in range(2):
        with pytest.raises(ValueError, match="no words"):
            ask(refused)
    assert counting.asked == [refused, refused]
