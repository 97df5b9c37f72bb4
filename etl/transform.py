"""Merge a batch into silver and compute the gold that it touches: all that a commit will make true."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from etl import model
from etl.engines.base import Engine
from etl.errors import InputError
from etl.manifest import Manifest
from etl.report import Report
from etl.rules import CUSTOMER_UNKNOWN
from etl.state import LakeState
from etl.storage import Storage
from etl.sweep import grace, retire

_T = TypeVar("_T")


@dataclass(frozen=True)
class Shape:
    """May an order id or a customer's come twice in the batch; has every order one line, the first?

    `days` are those of the batch's accepted sales, None where they are not known yet.
    """

    repeated: bool
    repeated_customers: bool
    one_line: bool
    days: frozenset[str] | None


def prepare(
    engine: Engine, storage: Storage, manifest: Manifest, state: LakeState, shape: Shape, report: Report
) -> tuple[LakeState, bool]:
    """Merge the batch into silver: what a commit will make true but for figures, and is it a first load?"""
    rows = merge_sales(engine, storage, state, shape.repeated, report)
    report.silver_bytes = sum(state.sizes.values())
    known = [state.customers] if state.customers else []
    engine.parquet("known_customers", storage, known, model.empty_customers())
    if known or shape.repeated_customers:
        engine.table("current_customers", model.merged_customers("known_customers", "checked_customers"))
    else:
        engine.view("current_customers", model.customers_of("checked_customers"))
    one_line = state.one_line and shape.one_line
    first = not (state.keys() or state.pending_buckets or shape.repeated)
    if first:
        completed = model.count_completed(one_line)
        sums = model.customer_sums("current_sales", "current_customers", completed)
        engine.result("customer_sums", sums)
    wanted = touched(engine, manifest, state, shape, report, first)
    return replace(wanted, one_line=one_line, sales_rows=rows), first


def together(engine: Engine, *calls: Callable[[], _T]) -> list[_T]:
    """The results of calls that are made side by side where the engine is faster so."""
    if not engine.side_by_side:
        return [call() for call in calls]
    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result() for done in [pool.submit(call) for call in calls]]


def count_gold(
    engine: Engine, wanted: LakeState, first: bool, before: LakeState, report: Report
) -> LakeState:
    """Compute the touched gold; the state that a commit will make true."""
    orders = model.count_orders(wanted.one_line)
    days = wanted.pending_dates if before.sales else None
    by_day = partial(engine.result, "gold_days", model.daily_sales("current_sales", days, orders))
    if first:
        by_day()
        engine.selected("gold_customers", "customer_sums", "counts", model.METRICS_COLUMNS)
    else:
        metrics = model.customer_metrics("current_sales", "current_customers", wanted.pending_buckets, orders)
        together(engine, by_day, partial(engine.result, "gold_customers", metrics))
    return count_tables(engine, wanted, report)


def merge_sales(engine: Engine, storage: Storage, state: LakeState, repeated: bool, report: Report) -> int:
    """How many lines all of silver has then."""
    engine.parquet("silver_sales", storage, list(state.sales.values()), model.empty_sales())
    engine.view("batch_orders", model.orders_of("batch_sales"))
    if state.sales:
        engine.table("old_sales", model.superseded("silver_sales", "batch_orders"))
    else:
        engine.view("old_sales", f"select * from ({model.empty_sales()}) as none_yet where 1 = 0")
    if not state.sales and not repeated:
        engine.view("won_sales", "select * from batch_sales")
        engine.view("current_sales", "select * from won_sales")
        return report.by_kind["sales"]["accepted"]
    engine.table("won_sales", model.winners("batch_sales", "old_sales"))
    engine.view("current_sales", model.current("silver_sales", "batch_orders", "won_sales"))
    old, won = engine.rows(
        "select (select count(*) from old_sales) as old, (select count(*) from won_sales) as won"
    )[0]
    report.duplicates = report.by_kind["sales"]["accepted"] + old - won
    before = 0 if not state.sales else state.sales_rows
    if before is None:
        before = engine.rows("select count(*) from silver_sales")[0][0]
    return int(before - old + won)


def touched(
    engine: Engine, manifest: Manifest, state: LakeState, shape: Shape, report: Report, first: bool
) -> LakeState:
    """The days and customers of this batch's rows, old and new, and those that a dead run still owes."""
    days = None if state.sales else shape.days
    if days is None:
        found = engine.rows(model.dates_touched("batch_sales", "old_sales"))
        days = frozenset(str(day) for (day,) in found)
    if first:
        sums = engine.figures("customer_sums", "bucket", "strange")
        buckets: list[tuple[Any, ...]] = [(part, *of_part) for part, of_part in sums.items()]
    else:
        sql = model.customers_touched("batch_sales", "old_sales", "checked_customers", "current_customers")
        buckets = engine.rows(sql)
    report.warn(CUSTOMER_UNKNOWN, int(sum(lines for _, _, lines in buckets)))
    report.customers_touched = sum(count for _, count, _ in buckets)
    report.dates_touched = sorted({*state.pending_dates, *days})
    prefix = f"run={manifest.run_id}.{state.commits + 1}"  # no commit writes over what another one wrote
    moved = {m: f"silver/sales/{prefix}/order_month={m}/part-0.parquet" for m in {d[:7] for d in days}}
    changed_customers = report.by_kind["customers"]["accepted"] > 0
    after = replace(
        state,
        run_id=manifest.run_id,
        commits=state.commits + 1,
        sales={**state.sales, **moved},
        customers=f"silver/customers/{prefix}/part-0.parquet" if changed_customers else state.customers,
        pending_dates=report.dates_touched,
        pending_buckets=sorted({*state.pending_buckets, *(b for b, _, _ in buckets)}),
    )
    retired = retire(state, after, datetime.now(UTC), grace(manifest.options))
    return replace(after, retired=retired)


def count_tables(engine: Engine, state: LakeState, report: Report) -> LakeState:
    """Rows and revenue of each touched part of gold, and of the whole tables, for the checks."""
    days = dict.fromkeys(state.pending_dates, (0, "0.00"))
    days |= _texts(engine.figures("gold_days", "order_date", "daily_revenue"), "day")
    buckets = dict.fromkeys(state.pending_buckets, (0, "0.00"))
    buckets |= _texts(engine.figures("gold_customers", "bucket", "total_spent"), "customer of part")
    state = replace(state, days={**state.days, **days}, buckets={**state.buckets, **buckets})
    report.tables = {
        "daily_sales": {"partitions": len(state.days), **_sum(state.days.values())},
        "customer_metrics": _sum(state.buckets.values()),
        "sales": {"rows": state.sales_rows},
    }
    return state


def _texts(figures: Mapping[str, tuple[int, Decimal | None]], what: str) -> dict[str, tuple[int, str]]:
    """Raises InputError, before anything is published, where a sum is none that the table can hold."""
    texts = {part: (rows, format(money, "f")) for part, (rows, money) in figures.items() if money is not None}
    if beyond := ", ".join(sorted(figures.keys() - texts.keys())):
        raise InputError(
            f"the sales of a {what} {beyond} add up to more than decimal(18,2) holds: "
            "leave out the file whose amounts are wrong"
        )
    return texts


def _sum(figures: Iterable[Sequence[Any]]) -> dict[str, Any]:
    listed = list(figures)
    revenue = sum((Decimal(money) for _, money in listed), Decimal("0.00"))
    return {"rows": sum(rows for rows, _ in listed), "revenue": format(revenue, "f")}
