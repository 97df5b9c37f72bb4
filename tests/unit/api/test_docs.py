"""docs/api.md says what the code does."""

import re
from pathlib import Path

from chalicelib.domain.errors import RefusedError
from chalicelib.handlers import json_text, problems
from tests.unit.api.conftest import Api

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "api.md").read_text()


def refusals(kind: type[RefusedError]) -> set[tuple[str, int]]:
    found = {(one.slug, one.status) for one in kind.__subclasses__()}
    return found.union(*(refusals(one) for one in kind.__subclasses__()))


def test_every_problem_type_is_in_the_table_with_its_status() -> None:
    table = {(slug, int(status)) for slug, status in re.findall(r"^\| ([a-z-]+) \| (\d{3}) \|", PAGE, re.M)}
    assert table == refusals(RefusedError)
    assert problems.TYPE_PREFIX in PAGE


def test_the_limits_are_the_codes() -> None:
    assert f"{json_text.MAX_BYTES // 1024} KB" in PAGE
    assert f"{json_text.MAX_DEPTH} levels" in PAGE


def test_amounts_spelled_as_on_the_page_are_the_same_body(api: Api) -> None:
    for amount in (b"499.9", b'"499.90"'):
        body = b'{"customer":"B","amount":%s,"items":[{"product":"W","quantity":1}]}' % amount
        assert api.post(body, Idempotency_Key="k").status_code == 202
    assert len(api.services.orders) == 1
