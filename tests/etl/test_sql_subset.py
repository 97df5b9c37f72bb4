"""The SQL of the job stays in the subset that both engines run alike."""

import re
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from etl.engines import open_engine
from etl.engines.base import Engine
from etl.pipeline import run
from etl.rules import BATCH_RULES, RULES, messages, rules_of
from etl.schemas import SCHEMAS
from etl.sqlgen import text
from tests.etl.builders import csv_file, line, manifest_of
from tests.etl.dirt import make_files

# Measured to differ between DuckDB 2.0 and Spark 3.5: results, rounding, null order or syntax.
DENIED = (
    r"\bavg\s*\(",
    r"\bqualify\b",
    r"\brlike\b",
    r"\bregexp_matches\b",
    r"\bregexp_full_match\b",
    r"\bdate_format\b",
    r"\bstrftime\b",
    r"\bto_date\b",
    r"\bsha2\b",
    r"\barray\s*\(",
    r"\bdate_trunc\b",
    r"\bgroup_concat\b",
    r"\bstring_agg\b",
    r"\blist\s*\(",
    r"\bilike\b",
    r"\bexcept\b",
    r"\bexclude\b",
    r"::",
    r"\btrim\s*\((?!both '' from )",
    r"\bcast\s*\([^()]* as double\)",
    r"\bnulls (first|last)\b",
    r"\\",
)
ALLOWED = {
    *("coalesce", "cast", "try_cast", "nullif", "trim", "regexp_extract", "concat_ws", "length", "lower"),
    *(
        "substr",
        "replace",
        "greatest",
        "row_number",
        "max",
        "min",
        "sum",
        "count",
        "md5",
        "in",
        "exists",
        "month",
        "year",
        "over",
    ),
    "approx_count_distinct",  # of the profile only, which says that it is an estimate
    *("decimal", "partition", "values", "from", "as", "where", "and", "or", "select", "not", "when", "then"),
}


@dataclass
class Recording:
    """An engine that notes every statement that the pipeline gives it, whatever the method.

    It finds nothing and writes no silver by itself, so that the pipeline asks all that any engine is asked.
    """

    inner: Engine
    heard: set[str] = field(default_factory=set)

    def assessed(self, *_: object) -> None:
        return None

    def put_first_lines(self, *_: object) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        if not callable(found):
            return found

        def noting(*arguments: Any, **options: Any) -> Any:
            texts = [one for one in (*arguments, *options.values()) if isinstance(one, str)]
            self.heard.update(one for one in texts if re.search(r"\bselect\b", one))
            return found(*arguments, **options)

        return noting


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What runs over dirty files and over a lake that is there give the engine, repeated orders or not."""
    folder = tmp_path_factory.mktemp("heard")
    lake, found = folder / "lake", set()
    plain = csv_file(folder / "plain.csv", [line("1"), line("2")])
    files = make_files(folder, seed=3)
    for number, batch in enumerate(([plain], files[:6] + files[-1:], files[6:]), 1):
        with open_engine("duckdb") as engine:
            recording = Recording(engine)
            options = {"min_rows_for_threshold": 10**9}
            manifest = manifest_of(lake, *batch, run_id=f"run-{number}", **options)
            run(manifest, engine=cast(Engine, recording))
            found |= recording.heard
    return sorted(found)


def test_what_is_heard_is_what_the_job_says(heard: list[str]) -> None:
    for part in ("row_number()", "approx_count_distinct", "as reasons, l.raw", "select sum(n - 1)", "md5("):
        assert [one for one in heard if part in one], part
    assert len(heard) > 25


@pytest.mark.parametrize("denied", DENIED)
def test_no_statement_uses_what_the_engines_answer_differently(denied: str, heard: list[str]) -> None:
    assert not [s for s in heard if re.search(denied, re.sub(r"'[^']*'", "''", s) if denied != r"\\" else s)]


def test_every_function_is_one_that_was_found_to_agree(heard: list[str]) -> None:
    used = {
        name
        for statement in heard
        for name in re.findall(r"\b([a-z_0-9]+)\s*\(", re.sub(r"'[^']*'", "''", statement))
    }
    assert used <= ALLOWED


def test_the_name_of_every_rule_is_unique_and_can_be_joined_by_commas() -> None:
    for schema in SCHEMAS.values():
        names = [rule.name for rule in rules_of(schema)]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch("[a-z_]+", name) for name in names)
    rules = [*BATCH_RULES, *(rule for some in RULES.values() for rule in some)]
    assert all(rule.message and rule.severity in ("error", "warn") for rule in rules)
    assert all(rule.name in messages() for schema in SCHEMAS.values() for rule in rules_of(schema))


def test_a_backslash_never_gets_into_a_literal() -> None:
    with pytest.raises(ValueError, match="backslash"):
        text("a\\b")
