"""One run: read, validate, transform, write, report. The engine and the storage are given.

Everything that is decided is decided in memory first; then quarantine, silver under the run's own prefix, one
commit (the pointer), gold object by object, the catalog, and `_published.json` last. See `etl/state.py`. What
was superseded hours ago is deleted in between (`etl/sweep.py`).
"""

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime

from etl import model
from etl.assessment import assess
from etl.catalog import Catalog, NoCatalog
from etl.engines import open_engine
from etl.engines.base import Assessed, Engine, Landing
from etl.errors import LakeBusyError
from etl.manifest import Manifest
from etl.report import Report
from etl.rules import LINE_REPEATED, LINE_SUPERSEDED
from etl.schemas import CUSTOMERS, SALES, Schema
from etl.sqlgen import checked_sql
from etl.state import LakeState, load_tagged, save_state
from etl.storage import Guarded, Storage, storage_for
from etl.sweep import grace, sweep
from etl.transform import Shape, count_gold, prepare
from etl.validate import check_threshold, judge, put_quarantine, too_bad
from etl.write import measured, write_gold, write_silver

PUBLISHED = "_published.json"
ATTEMPTS = 6  # of a run to merge while other runs change the lake


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


def publish(storage: Storage, manifest: Manifest, report: Report) -> None:
    """The report of every run; `_published.json` only of one that succeeded, and last of all."""
    if report.status == "succeeded":
        report.published_at = datetime.now(UTC).isoformat(timespec="seconds")
    body = report.to_json().encode()
    storage.put(f"_reports/{manifest.run_id}.json", body, "report")
    if report.status == "succeeded":
        told = json.dumps(report.summary(), ensure_ascii=False)
        storage.put(PUBLISHED, told.encode(), "published")
