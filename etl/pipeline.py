"""One run: read, validate, transform, write, report. The engine and the storage are given.

Everything that is decided is decided in memory first; then quarantine, silver under the run's own prefix, one
commit (the pointer), gold object by object, the catalog, and `_published.json` last. See `etl/state.py`. What
was superseded hours ago is deleted in between (`etl/sweep.py`).
"""

import json
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

from etl import model
from etl.catalog import Catalog, NoCatalog
from etl.engines import open_engine
from etl.engines.base import Assessed, Engine, Landing
from etl.errors import InputError, LakeBusyError
from etl.manifest import Manifest
from etl.report import Report
from etl.rules import CUSTOMER_UNKNOWN, LINE_REPEATED, LINE_SUPERSEDED
from etl.schemas import CUSTOMERS, SALES, Schema
from etl.sqlgen import checked_sql
from etl.state import LakeState, load_tagged, save_state
from etl.storage import Guarded, Storage, storage_for
from etl.sweep import grace, retire, sweep
from etl.validate import assess, check_threshold, judge, put_quarantine, too_bad

_T = TypeVar("_T")
PUBLISHED = "_published.json"
ATTEMPTS = 6  # of a run to merge while other runs change the lake


@dataclass(frozen=True)
class Shape:
    """May an order id or a customer's come twice in the batch; has every order one line, the first?

    `days` are those of the batch's accepted sales, None where they are not known yet.
    """

    repeated: bool
    repeated_customers: bool
    one_line: bool
    days: frozenset[str] | None


def run(
    manifest: Manifest,
    storage: Storage | None = None,
    engine: Engine | None = None,
    catalog: Catalog | None = None,
    quarantine: Storage | None = None,
) -> Report:
    """Run the manifest; run again it gives the same lake. Raises QualityThresholdError before publishing."""
    storage = storage or storage_for(manifest.output)
    quarantine = quarantine or storage_for(manifest.quarantine)
    if engine is None:
        with open_engine("duckdb") as own:
            return _run(manifest, storage, own, catalog or NoCatalog(), quarantine)
    return _run(manifest, storage, engine, catalog or NoCatalog(), quarantine)


def _run(
    manifest: Manifest, storage: Storage, engine: Engine, catalog: Catalog, quarantine: Storage
) -> Report:
    report = Report(manifest.run_id, engine.name, manifest.as_of.isoformat())
    try:
        shape = take_in(engine, manifest, report, quarantine)
        merge(engine, storage, catalog, manifest, shape, report)
        report.warn(LINE_SUPERSEDED, report.duplicates)
        with report.phase("sweep"):
            sweep(storage, report, grace(manifest.options))
        report.status = "succeeded"
        return report
    except Exception:
        report.status = "failed"
        raise
    finally:
        publish(storage, manifest, report)


def take_in(engine: Engine, manifest: Manifest, report: Report, quarantine: Storage) -> Shape:
    """Read and validate; once more without the files that are too bad, where those are to be left out."""
    with ThreadPoolExecutor(1) as pool:
        with report.phase("read"):
            customers = land(engine, manifest, CUSTOMERS)
            looked = pool.submit(look, engine, manifest, CUSTOMERS, customers)  # while sales are landed
            sales = land(engine, manifest, SALES)
        with report.phase("validate"):
            of_sales = look(engine, manifest, SALES, sales)
            for schema, landing, found in (
                (CUSTOMERS, customers, looked.result()),
                (SALES, sales, of_sales),
            ):
                judge(found.counts, schema, landing, report)
                report.profile[schema.name] = found.profile
            bad = too_bad(report, manifest.options)
            if not bad:
                return validate(engine, manifest, looked.result(), of_sales, report, quarantine)
    report.start_over(bad.values())
    return take_in(engine, manifest.without(bad), report, quarantine)


def merge(
    engine: Engine, storage: Storage, catalog: Catalog, manifest: Manifest, shape: Shape, report: Report
) -> None:
    """Silver, commit, gold, catalog, settle: each step may be the last one before a kill.

    Where another run changed the lake meanwhile, once more, with the gold that is still owed. Gold's tags are
    listed before the state is read, so that gold is never replaced by what an older state gave. The settle
    fails where another run has committed since the commit: then the catalog may be behind that run.
    """
    owed = LakeState()
    duplicates: int | None = None  # as counted before this run's own rows were in
    for attempt in range(1, ATTEMPTS + 1):
        gold = Guarded(storage, storage.tags("daily_sales") | storage.tags("customer_metrics"))
        before, tag = load_tagged(storage)
        with ThreadPoolExecutor(1) as pool:
            with report.phase("transform"):
                wanted, first = prepare(engine, storage, manifest, before.owing(owed), shape, report)
                # It commits nothing, and fills the cores that the queries of gold leave idle.
                silver = pool.submit(write_silver, engine, storage, wanted, before, shape)
                state = count_gold(engine, wanted, first, before, report)
            with report.phase("write"):
                wait([silver])
        report.duplicates = report.duplicates if duplicates is None else duplicates
        if not (report.dates_touched or state.pending_buckets):
            return
        owed = owed.owing(state)
        try:
            with report.phase("write"):
                silver.result()
                state = measured(storage, state)
                report.silver_bytes = sum(state.sizes.values())
                committed = save_state(storage, state, "commit", tag)
                duplicates = report.duplicates
                write_gold(engine, gold, state)
                catalog.sync(storage, state, list(state.pending_dates))
                save_state(storage, state.settled(), "settle", committed)
            return
        except LakeBusyError as error:
            if attempt == ATTEMPTS:
                raise
            report.notes.append(f"{error}: merged again")
            time.sleep(random.uniform(0, 0.5 * attempt))


def land(engine: Engine, manifest: Manifest, schema: Schema) -> Landing:
    return engine.land(schema, manifest.of(schema.name), f"landed_{schema.name}")


def look(engine: Engine, manifest: Manifest, schema: Schema, landing: Landing) -> Assessed:
    """Check every row of a kind: how many failed of what, and what the others are like."""
    name = f"checked_{schema.name}"
    engine.check(name, landing, checked_sql(schema, landing.view, manifest.as_of, manifest.currency))
    return assess(engine, schema, name)


def validate(
    engine: Engine,
    manifest: Manifest,
    customers: Assessed,
    sales: Assessed,
    report: Report,
    quarantine: Storage,
) -> Shape:
    """Put what was rejected aside; what shape the batch has decides which plans are needed."""
    report.check_balance()
    shape = number_lines(engine, sales, customers, report)
    put_quarantine(engine, CUSTOMERS, None, quarantine, manifest, report)
    put_quarantine(engine, SALES, "numbered_sales", quarantine, manifest, report)
    check_threshold(report, manifest.options)
    return shape


def together(engine: Engine, *calls: Callable[[], _T]) -> list[_T]:
    """The results of calls that are made side by side where the engine is faster so."""
    if not engine.side_by_side:
        return [call() for call in calls]
    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result() for done in [pool.submit(call) for call in calls]]


def at_once(*calls: Callable[[], object]) -> None:
    """Writes side by side: each leaves cores idle, where it waits for a disk or runs Python."""
    if not calls:
        return
    with ThreadPoolExecutor(len(calls)) as pool:
        others = [pool.submit(call) for call in calls[1:]]
        calls[0]()
        for other in others:
            other.result()


def number_lines(engine: Engine, sales: Assessed, customers: Assessed, report: Report) -> Shape:
    """Windows over a million orders are dear: they run only where an order id may come more than once."""
    repeated = sales.records != sales.ids
    if repeated:
        same = ", ".join(("source", *SALES.names))
        found = engine.rows(
            f"select sum(n - 1) from (select count(*) as n from checked_sales "
            f"where failed is null group by {same}) as lines where {LINE_REPEATED.predicate}"
        )
        report.repeated_lines = int(found[0][0] or 0)
        report.warn(LINE_REPEATED, report.repeated_lines)
    engine.view("numbered_sales", model.numbered("checked_sales", repeated))
    keep = engine.table if repeated else engine.view
    keep("batch_sales", model.accepted("numbered_sales"))
    repeated_customers = customers.records != customers.ids
    return Shape(repeated, repeated_customers, not repeated and sales.lines == 1, sales.days)


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


def write_silver(engine: Engine, storage: Storage, state: LakeState, before: LakeState, shape: Shape) -> None:
    moved = {month: key for month, key in state.sales.items() if before.sales.get(month) != key}
    writes = []
    if moved:
        keys = {model.month_number(month): key for month, key in moved.items()}
        writes.append(partial(write_sales, engine, storage, keys, before, shape))
    if state.customers and state.customers != before.customers:
        writes.append(partial(write_customers, engine, storage, state.customers, before, shape))
    at_once(*writes)


def write_sales(
    engine: Engine, storage: Storage, keys: Mapping[str, str], before: LakeState, shape: Shape
) -> None:
    plain = not (before.sales or shape.repeated)
    if not (plain and engine.put_first_lines("checked_sales", keys, storage, "silver sales")):
        rows = model.of_months("current_sales", keys if before.sales else None)
        engine.put_partitions(rows, "order_month", keys, storage, keys.__getitem__, "silver sales")


def write_customers(engine: Engine, storage: Storage, key: str, before: LakeState, shape: Shape) -> None:
    target = (storage, key, "silver customers")
    plain = not (before.customers or shape.repeated_customers)
    if not (plain and engine.put_accepted("checked_customers", model.CUSTOMER_COLUMNS, *target)):
        engine.put_parquet("select * from current_customers", *target)


def measured(storage: Storage, state: LakeState) -> LakeState:
    """With the bytes of every silver object; only folders whose objects are new to it are listed."""
    keys, sizes = state.keys(), dict(state.sizes)
    for folder in {"/".join(key.split("/")[:3]) for key in keys if key not in sizes}:
        sizes |= storage.sizes(f"{folder}/")
    return replace(state, sizes={key: sizes.get(key, 0) for key in keys})


def write_gold(engine: Engine, storage: Storage, state: LakeState) -> None:
    writes = []
    if state.pending_dates:
        keys = {day: f"daily_sales/order_date={day}/data.parquet" for day in state.pending_dates}
        writes.append(partial(engine.put_result, "gold_days", "order_date", keys, storage, "daily_sales"))
    if state.pending_buckets:
        keys = {part: f"customer_metrics/part-{part}.parquet" for part in state.pending_buckets}
        customers = ("gold_customers", "bucket", keys, storage, "customer_metrics")
        writes.append(partial(engine.put_result, *customers))
    at_once(*writes)


def publish(storage: Storage, manifest: Manifest, report: Report) -> None:
    """The report of every run; `_published.json` only of one that succeeded, and last of all."""
    if report.status == "succeeded":
        report.published_at = datetime.now(UTC).isoformat(timespec="seconds")
    body = report.to_json().encode()
    storage.put(f"_reports/{manifest.run_id}.json", body, "report")
    if report.status == "succeeded":
        told = json.dumps(report.summary(), ensure_ascii=False)
        storage.put(PUBLISHED, told.encode(), "published")
