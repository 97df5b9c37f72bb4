"""Write silver under the run's own prefix and, after the commit, the touched objects of gold."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from etl import model
from etl.engines.base import Engine
from etl.state import LakeState
from etl.storage import Storage
from etl.transform import Shape


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


def at_once(*calls: Callable[[], object]) -> None:
    """Writes side by side: each leaves cores idle, where it waits for a disk or runs Python."""
    if not calls:
        return
    with ThreadPoolExecutor(len(calls)) as pool:
        others = [pool.submit(call) for call in calls[1:]]
        calls[0]()
        for other in others:
            other.result()
