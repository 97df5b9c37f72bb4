"""One run: read, validate, transform, write, report. The engine and the storage are given.

Everything that is decided is decided in memory first; then quarantine, silver under the run's own prefix, one
commit (the pointer), gold object by object, the catalog, and `_published.json` last. See `etl/state.py`.
"""

import json
from dataclasses import dataclass
from typing import Any

from etl import model
from etl.catalog import Catalog, NoCatalog
from etl.engines import open_engine
from etl.engines.base import Engine, Landing
from etl.manifest import Manifest
from etl.report import Report
from etl.schemas import CUSTOMERS, SALES
from etl.sqlgen import checked_sql
from etl.state import LakeState, load_state, save_state
from etl.storage import Storage, storage_for
from etl.validate import check_threshold, judge, profile, put_quarantine

PUBLISHED = "_published.json"


@dataclass(frozen=True)
class Touched:
    dates: list[str]
    buckets: list[str]
    customers: int
    sales: bool
    customers_changed: bool


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
        with report.phase("read"):
            landings = read(engine, manifest)
            state = load_state(storage)
        with report.phase("validate"):
            validate(engine, manifest, landings, report, quarantine)
        with report.phase("transform"):
            touched = transform(engine, storage, state, report)
            report.tables = totals(engine)
        with report.phase("write"):
            state = write(engine, storage, catalog, manifest, state, touched)
        report.status = "succeeded"
        return report
    except Exception:
        report.status = "failed"
        raise
    finally:
        publish(storage, manifest, report)


def read(engine: Engine, manifest: Manifest) -> dict[str, Landing]:
    return {
        schema.name: engine.land(schema, manifest.of(schema.name), f"landed_{schema.name}")
        for schema in (CUSTOMERS, SALES)
    }


def validate(
    engine: Engine, manifest: Manifest, landings: dict[str, Landing], report: Report, quarantine: Storage
) -> None:
    for schema in (CUSTOMERS, SALES):
        checked = f"checked_{schema.name}"
        engine.table(checked, checked_sql(schema, landings[schema.name].view, manifest.as_of))
        judge(engine, schema, checked, landings[schema.name], report)
    report.check_balance()
    _number_lines(engine, report)
    put_quarantine(engine, CUSTOMERS, "checked_customers", None, quarantine, manifest, report)
    put_quarantine(engine, SALES, "checked_sales", "numbered_sales", quarantine, manifest, report)
    for schema in (CUSTOMERS, SALES):
        report.profile[schema.name] = profile(engine, schema, f"checked_{schema.name}")
    check_threshold(report, manifest.options)


def _number_lines(engine: Engine, report: Report) -> None:
    """Windows over a million orders are dear: they run only where an order id comes more than once."""
    rows, orders = engine.rows("select count(order_id), count(distinct order_id) from checked_sales")[0]
    repeated = rows != orders
    if repeated:
        same = ", ".join(("source", *(n for n in SALES.names)))
        found = engine.rows(
            f"select coalesce(sum(n - 1), 0) from (select count(*) as n from checked_sales "
            f"where failed is null group by {same}) as lines where n > 1"
        )
        report.repeated_lines = int(found[0][0])
    engine.view("numbered_sales", model.numbered("checked_sales", repeated))
    if repeated:
        engine.table("batch_sales", model.accepted("numbered_sales"))
    else:
        engine.view("batch_sales", model.accepted("numbered_sales"))


def transform(engine: Engine, storage: Storage, state: LakeState, report: Report) -> Touched:
    engine.parquet("silver_sales", storage, list(state.sales.values()), model.empty_sales())
    known = [state.customers] if state.customers else []
    engine.parquet("known_customers", storage, known, model.empty_customers())
    engine.view("batch_orders", model.orders_of("batch_sales"))
    accepted, distinct = engine.rows("select count(*), count(distinct order_id) from batch_sales")[0]
    if state.sales:
        engine.table("old_sales", model.superseded("silver_sales", "batch_orders"))
    else:
        engine.view("old_sales", model.empty_sales() + " where 1 = 0")
    old = engine.rows("select count(*) from old_sales")[0][0]
    if old or accepted != distinct:
        engine.table("won_sales", model.winners("batch_sales", "old_sales"))
    else:
        engine.view("won_sales", "select * from batch_sales")
    won = engine.rows("select count(*) from won_sales")[0][0]
    report.duplicates = accepted + old - won
    if state.sales:
        engine.view("current_sales", model.current("silver_sales", "batch_orders", "won_sales"))
    else:
        engine.view("current_sales", "select * from won_sales")
    engine.table("current_customers", model.merged_customers("known_customers", "checked_customers"))
    return _touched(engine, state, report, accepted > 0)


def _touched(engine: Engine, state: LakeState, report: Report, sales: bool) -> Touched:
    changed = "select customer_id from checked_customers where failed is null"
    dates = sorted(row[0] for row in engine.rows(model.dates_touched("batch_sales", "old_sales")))
    engine.table(
        "touched_customers", model.customers_touched("batch_sales", "old_sales", f"({changed}) as changed")
    )
    buckets = engine.rows(f"select {model.bucket('customer_id')}, count(*) from touched_customers group by 1")
    unknown = engine.rows(
        "select count(*) from batch_sales as b where not exists "
        "(select 1 from current_customers as c where c.customer_id = b.customer_id)"
    )[0][0]
    if unknown:
        report.warnings_by_rule["customer_unknown"] = unknown
    report.dates_touched = dates
    report.customers_touched = sum(count for _, count in buckets)
    customers_changed = report.by_kind["customers"]["accepted"] > 0
    return Touched(
        dates=dates,
        buckets=sorted({b for b, _ in buckets}),
        customers=report.customers_touched,
        sales=sales,
        customers_changed=customers_changed,
    )


def totals(engine: Engine) -> dict[str, dict[str, Any]]:
    """The whole tables as they will be: what the Athena checks hold the published ones against."""
    done = "current_sales where status = 'completed'"
    lines, revenue = engine.rows(f"select count(*), cast(sum(line_amount) as decimal(18,2)) from {done}")[0]
    days, regions = engine.rows(
        f"select count(distinct order_date), count(*) from "
        f"(select order_date, region from {done} group by order_date, region) as days"
    )[0]
    known, spent = engine.rows(
        f"select count(distinct customer_id), cast(sum(line_amount) as decimal(18,2)) from {done} "
        f"and customer_id in (select customer_id from current_customers)"
    )[0]
    return {
        "sales": {"rows": lines, "revenue": revenue or 0},
        "daily_sales": {"rows": regions, "partitions": days, "revenue": revenue or 0},
        "customer_metrics": {"rows": known, "revenue": spent or 0},
    }


def write(
    engine: Engine, storage: Storage, catalog: Catalog, manifest: Manifest, state: LakeState, touched: Touched
) -> LakeState:
    """Silver, commit, gold, catalog, settle: each step may be the last one before a kill."""
    committed = _write_silver(engine, storage, manifest, state, touched)
    if touched.sales or touched.customers_changed:
        save_state(storage, committed, "commit")
    else:
        committed = state
    _write_gold(engine, storage, committed)
    catalog.sync(storage, committed, list(committed.pending_dates))
    if committed.pending_dates or committed.pending_buckets:
        save_state(storage, committed.settled(), "settle")
    return committed.settled()


def _write_silver(
    engine: Engine, storage: Storage, manifest: Manifest, state: LakeState, touched: Touched
) -> LakeState:
    prefix = f"run={manifest.run_id}"
    sales = dict(state.sales)
    if touched.dates:
        keys = {d: f"silver/sales/{prefix}/order_day={d}/part-0.parquet" for d in touched.dates}
        rows = model.of_dates("current_sales", touched.dates)
        engine.put_partitions(rows, "order_day", touched.dates, storage, keys.__getitem__, "silver sales")
        sales |= keys
    customers = state.customers
    if touched.customers_changed:
        customers = f"silver/customers/{prefix}/part-0.parquet"
        engine.put_parquet("select * from current_customers", storage, customers, "silver customers")
    return LakeState(
        run_id=manifest.run_id,
        sales=sales,
        customers=customers,
        pending_dates=sorted({*state.pending_dates, *touched.dates}),
        pending_buckets=sorted({*state.pending_buckets, *touched.buckets}),
    )


def _write_gold(engine: Engine, storage: Storage, state: LakeState) -> None:
    dates, buckets = list(state.pending_dates), list(state.pending_buckets)
    if dates:
        engine.put_partitions(
            model.daily_sales("current_sales", dates),
            "order_date",
            dates,
            storage,
            lambda day: f"daily_sales/order_date={day}/data.parquet",
            "daily_sales",
        )
    if buckets:
        engine.put_partitions(
            model.customer_metrics("current_sales", "current_customers", buckets),
            "bucket",
            buckets,
            storage,
            lambda bucket: f"customer_metrics/part-{bucket}.parquet",
            "customer_metrics",
        )


def publish(storage: Storage, manifest: Manifest, report: Report) -> None:
    """The report of every run; `_published.json` only of one that succeeded, and last of all."""
    body = report.to_json().encode()
    storage.put(f"_reports/{manifest.run_id}.json", body, "report")
    if report.status == "succeeded":
        told = json.dumps(report.summary(), ensure_ascii=False)
        storage.put(PUBLISHED, told.encode(), "published")
