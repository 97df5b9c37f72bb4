"""The run report: what came in, what became of every row, what was touched and how long each phase took."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from time import perf_counter
from typing import Any

from etl.errors import EtlError
from etl.rules import Rule, messages


@dataclass
class Report:
    run_id: str
    engine: str
    as_of: str
    status: str = "running"
    rows_in: int = 0
    accepted: int = 0
    quarantined: int = 0
    by_kind: dict[str, dict[str, int]] = field(default_factory=dict)
    quarantined_by_rule: dict[str, int] = field(default_factory=dict)
    warnings_by_rule: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    repeated_lines: int = 0
    dates_touched: list[str] = field(default_factory=list)
    customers_touched: int = 0
    silver_bytes: int = 0
    published_at: str = ""
    files: list[dict[str, Any]] = field(default_factory=list)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    profile: dict[str, dict[str, Any]] = field(default_factory=dict)
    quarantine: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)  # files that were not taken in, and why
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + perf_counter() - start, 3)

    def warn(self, rule: Rule, count: int) -> None:
        """Set what a rule about the whole batch found."""
        self.warnings_by_rule.pop(rule.name, None)
        if count:
            self.warnings_by_rule[rule.name] = count

    def start_over(self, left_out: Iterable[str]) -> None:
        """Forget what was counted, for a run that begins again without some files."""
        new = Report(self.run_id, self.engine, self.as_of, left_out=list(left_out), seconds=self.seconds)
        vars(self).update(vars(new))

    def check_balance(self) -> None:
        """Input rows = accepted + quarantined, always."""
        if self.rows_in != self.accepted + self.quarantined:
            raise EtlError(
                f"rows do not balance: {self.rows_in} in, "
                f"{self.accepted} accepted, {self.quarantined} quarantined"
            )

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, default=_plain)

    def summary(self) -> dict[str, Any]:
        """The report without its longest parts, plain enough for any JSON encoder."""
        kept = {key: value for key, value in asdict(self).items() if key not in ("files", "profile")}
        short: dict[str, Any] = json.loads(json.dumps(kept, default=_plain))
        return short

    def lines(self) -> Iterator[str]:
        """The report for people."""
        said = messages()
        yield f"run {self.run_id} on {self.engine}: {self.status}"
        yield f"rows in {self.rows_in} = accepted {self.accepted} + quarantined {self.quarantined}"
        yield f"duplicates {self.duplicates}, identical lines in one file {self.repeated_lines}"
        for name, count in sorted(self.quarantined_by_rule.items()):
            yield f"  quarantined {name}: {count} ({said[name]})"
        for name, count in sorted(self.warnings_by_rule.items()):
            yield f"  warned {name}: {count} ({said[name]})"
        for file in self.files:
            if columns := file["missing_columns"]:
                yield f"  optional columns that {file['source']} leaves out: {', '.join(columns)}"
            if columns := file["unknown_columns"]:
                yield f"  unknown columns in {file['source']}: {', '.join(columns)}, kept in extra"
        yield f"dates touched {len(self.dates_touched)}, customers touched {self.customers_touched}"
        for name, figures in self.tables.items():
            yield f"  {name}: " + ", ".join(f"{key} {value}" for key, value in figures.items())
        yield from (f"left out: {file}" for file in self.left_out)
        yield from (f"note: {note}" for note in self.notes)
        yield "seconds: " + ", ".join(f"{name} {value:.2f}" for name, value in self.seconds.items())


def _plain(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)
