"""Quality: counts by kind, file and rule, the thresholds and the quarantine."""

from collections.abc import Iterable, Mapping
from typing import Any

from etl.engines.base import Engine, Landing
from etl.errors import QualityThresholdError
from etl.manifest import Manifest
from etl.reader.records import PARSE_ERRORS
from etl.report import Report
from etl.schemas import Schema
from etl.storage import Storage

# A run stops before publishing when more than this share of at least that many rows is rejected, of one kind
# or of one file: thousands of good customers must not outweigh a file of sales that is all wrong.
MAX_QUARANTINED_SHARE = 0.2
MIN_ROWS_FOR_THRESHOLD = 100
LEAVE_OUT = "leave_out_bad_files"  # the option: such a file is left out, and a kind is not judged as a whole


def judge(found: Iterable[tuple[Any, ...]], schema: Schema, landing: Landing, report: Report) -> None:
    """Count every row of a kind once as accepted or quarantined, by file and by reason."""
    by_source: dict[str, tuple[int, int]] = {}
    reasons: dict[str, dict[str, int]] = {}
    for source, failed, warned, count in found:
        rows, rejected = by_source.get(source, (0, 0))
        by_source[source] = (rows + count, rejected + (count if failed else 0))
        _add_reasons(reasons.setdefault(source, {}), failed, count)
        _add_reasons(report.quarantined_by_rule, failed, count)
        _add_reasons(report.warnings_by_rule, warned, count)
    total, rejected = sum(r for r, _ in by_source.values()), sum(f for _, f in by_source.values())
    report.by_kind[schema.name] = {"rows_in": total, "accepted": total - rejected, "quarantined": rejected}
    report.rows_in += total
    report.accepted += total - rejected
    report.quarantined += rejected
    for source, notes in sorted(landing.notes.items()):
        rows, failed = by_source.get(source, (0, 0))
        report.files.append(
            {
                "source": source,
                "kind": schema.name,
                "rows": rows,
                "quarantined": failed,
                "reasons": reasons.get(source, {}),
                "missing_columns": notes.missing(schema),
                "unknown_columns": sorted(notes.unknown),
            }
        )
        if rows == 0:
            report.notes.append(f"{source}: no records, only a header")
        elif rows == failed:
            report.left_out.append(f"{source}: {_why_none(rows, reasons[source])}")
        if notes.damage:
            report.notes.append(f"{source}: {notes.damage}")


def _why_none(rows: int, reasons: Mapping[str, int]) -> str:
    """Of a file that gave nothing, however small: a share of few rows says little, all of them much."""
    [*words] = reasons
    if rows == 1 and len(words) == 1 and words[0] in PARSE_ERRORS:
        return PARSE_ERRORS[words[0]]
    return f"none of its {rows} rows is accepted ({_listed(reasons)})"


def _listed(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))


def _add_reasons(into: dict[str, int], reasons: str | None, count: int) -> None:
    for reason in reasons.split(",") if reasons else ():
        into[reason] = into.get(reason, 0) + count


def put_quarantine(
    engine: Engine,
    schema: Schema,
    lines: str | None,
    storage: Storage,
    manifest: Manifest,
    report: Report,
) -> None:
    """Rejects as JSON lines: place, all reasons, raw text and the texts by column, ready to correct.

    They are read again from the landed view, so that a clean run pays nothing for them.
    """
    if not report.by_kind[schema.name]["quarantined"]:
        return
    texts = ", ".join(f"l.{n}" for n in schema.names if n not in ("line_number", "version"))
    place = "q.line_number, q.order_id as line_of, q.version" if lines else "q.version"
    sql = (
        f"select l.source, l.record, q.failed as reasons, l.raw, l.extra, {place}, {texts} "
        f"from landed_{schema.name} as l join {lines or f'checked_{schema.name}'} as q "
        f"on q.source = l.source and q.record = l.record "
        f"where q.failed is not null order by source, record"
    )
    key = f"run={manifest.run_id}/{schema.name}.jsonl"
    engine.put_json_lines(sql, storage, key, "quarantine")
    report.quarantine.append(storage.url(key))


def check_threshold(report: Report, options: Mapping[str, Any]) -> None:
    """Stop before anything is published if too much was rejected."""
    if options.get(LEAVE_OUT):
        return
    most, least = _limits(options)
    parts = [
        *((f"rows are quarantined ({k})", n["quarantined"], n["rows_in"]) for k, n in report.by_kind.items()),
        *((f"rows of {f['source']} are quarantined", f["quarantined"], f["rows"]) for f in report.files),
    ]
    bad = [f"{n} of {rows} {what}" for what, n, rows in parts if rows >= least and n > most * rows]
    if bad:
        raise QualityThresholdError(
            f"{'; '.join(bad)}, more than {most:.0%}: "
            f"nothing is published, see {', '.join(report.quarantine)}"
        )


def too_bad(report: Report, options: Mapping[str, Any]) -> dict[str, str]:
    """The files to be left out, with what is said of each; none where they stop the run instead."""
    if not options.get(LEAVE_OUT):
        return {}
    most, least = _limits(options)
    return {
        file["source"]: f"{file['source']}: {file['quarantined']} of {file['rows']} rows would be quarantined"
        f" ({_listed(file['reasons'])})"
        for file in report.files
        if file["rows"] >= least and file["quarantined"] > most * file["rows"]
    }


def _limits(options: Mapping[str, Any]) -> tuple[float, int]:
    most = float(options.get("max_quarantined_share", MAX_QUARANTINED_SHARE))
    return most, int(options.get("min_rows_for_threshold", MIN_ROWS_FOR_THRESHOLD))
