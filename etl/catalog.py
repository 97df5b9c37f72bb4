"""The Data Catalog behind one protocol: partitions are registered by the run itself, the crawler confirms."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from etl.errors import CatalogError
from etl.state import LakeState
from etl.storage import Storage

Call = Callable[[str, Mapping[str, Any]], Any]
Columns = tuple[tuple[str, str], ...]

SALES: Columns = (
    ("order_id", "string"),
    ("line_number", "int"),
    ("version", "bigint"),
    ("customer_id", "string"),
    ("product_id", "string"),
    ("quantity", "int"),
    ("price", "decimal(18,2)"),
    ("line_amount", "decimal(18,2)"),
    ("order_date", "date"),
    ("region", "string"),
    ("status", "string"),
    ("currency", "string"),
    ("extra", "string"),
    ("source", "string"),
    ("source_version", "bigint"),
    ("record", "bigint"),
    ("warned", "string"),
)
DAILY_SALES: Columns = (
    ("region", "string"),
    ("daily_revenue", "decimal(18,2)"),
    ("daily_orders", "bigint"),
    ("unique_customers", "bigint"),
)
CUSTOMER_METRICS: Columns = (
    ("customer_id", "string"),
    ("name", "string"),
    ("status", "string"),
    ("total_spent", "decimal(18,2)"),
    ("total_orders", "bigint"),
    ("avg_order_value", "decimal(18,2)"),
)
_BATCH = 100  # BatchCreatePartition and BatchUpdatePartition take at most 100


class Catalog(Protocol):
    def sync(self, storage: Storage, state: LakeState, dates: Sequence[str]) -> None:
        """Make the catalog's partitions those of the state; a second call changes nothing."""


class NoCatalog:
    """A lake in a directory needs none."""

    def sync(self, storage: Storage, state: LakeState, dates: Sequence[str]) -> None:
        return None


class GlueCatalog:
    """Tables sales, daily_sales and customer_metrics; every request passes through `call`."""

    def __init__(self, database: str, call: Call | None = None) -> None:
        self._database = database
        self._call = call or glue_call

    def sync(self, storage: Storage, state: LakeState, dates: Sequence[str]) -> None:
        """Silver partitions are moved to the run's prefix; gold ones keep their place and are only added."""
        silver = {m: storage.url(key).rpartition("/")[0] + "/" for m, key in state.sales.items()}
        gold = {day: storage.url(f"daily_sales/order_date={day}/") for day in state.days}
        self._ensure("sales", storage.url("silver/sales/"), SALES, "order_month")
        self._partitions("sales", SALES, silver)
        self._ensure("daily_sales", storage.url("daily_sales/"), DAILY_SALES, "order_date")
        self._partitions("daily_sales", DAILY_SALES, gold)
        self._ensure("customer_metrics", storage.url("customer_metrics/"), CUSTOMER_METRICS, None)

    def _ensure(self, name: str, location: str, columns: Columns, key: str | None) -> None:
        table = {
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"classification": "parquet", "EXTERNAL": "TRUE"},
            "StorageDescriptor": _descriptor(location, columns),
            "PartitionKeys": [{"Name": key, "Type": "string"}] if key else [],
        }
        where = {"DatabaseName": self._database}
        found = _existing(self._call, self._database, name)
        if found is None and _created(self._call, {**where, "TableInput": table}):
            return
        if found is not None and not _has(found["StorageDescriptor"], columns):
            self._call("update_table", {**where, "TableInput": table})

    def _partitions(self, table: str, columns: Columns, wanted: Mapping[str, str]) -> None:
        actual = dict(self._actual(table))
        new = [d for d in sorted(wanted) if d not in actual]
        moved = [d for d in sorted(wanted) if d in actual and not _is_at(actual[d], wanted[d], columns)]
        where = {"DatabaseName": self._database, "TableName": table}
        for days in _chunks(new):
            inputs = [_partition(day, wanted[day], columns) for day in days]
            answer = self._call("batch_create_partition", {**where, "PartitionInputList": inputs})
            _raise_refused(table, answer.get("Errors") or ())
        for day in moved:
            change = {"PartitionValueList": [day], "PartitionInput": _partition(day, wanted[day], columns)}
            self._call("update_partition", {**where, **change})

    def _actual(self, table: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        request = {"DatabaseName": self._database, "TableName": table}
        while True:
            page = self._call("get_partitions", request)
            for found in page["Partitions"]:
                yield found["Values"][0], found["StorageDescriptor"]
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]


def glue_call(operation: str, arguments: Mapping[str, Any]) -> Any:
    from etl.glue import glue_client

    return getattr(glue_client(), operation)(**arguments)


def _existing(call: Call, database: str, name: str) -> Any:
    from botocore.exceptions import ClientError

    try:
        return call("get_table", {"DatabaseName": database, "Name": name})["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "EntityNotFoundException":
            return None
        raise


def _created(call: Call, request: Mapping[str, Any]) -> bool:
    """False if another run made the table a moment ago."""
    from botocore.exceptions import ClientError

    try:
        call("create_table", request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AlreadyExistsException":
            raise
        return False
    return True


def _raise_refused(table: str, errors: Sequence[Mapping[str, Any]]) -> None:
    """BatchCreatePartition answers 200 and lists what it did not do; what another run did is done.

    https://docs.aws.amazon.com/glue/latest/webapi/API_BatchCreatePartition.html
    """
    details = [(one.get("PartitionValues"), one.get("ErrorDetail") or {}) for one in errors]
    refused = [(v, d) for v, d in details if d.get("ErrorCode") != "AlreadyExistsException"]
    if refused:
        values, detail = refused[0]
        raise CatalogError(
            f"{len(refused)} partition(s) of {table} were not created, such as {values}: "
            f"{detail.get('ErrorCode')} {detail.get('ErrorMessage')}"
        )


def _has(descriptor: Mapping[str, Any], columns: Columns) -> bool:
    """Are ours among its columns, by name and type? A crawler may have added some."""
    actual = {(column["Name"], column.get("Type")) for column in descriptor.get("Columns") or ()}
    return actual >= set(columns)


def _is_at(descriptor: Mapping[str, Any], location: str, columns: Columns) -> bool:
    return bool(descriptor["Location"].rstrip("/") == location.rstrip("/")) and _has(descriptor, columns)


def _partition(day: str, location: str, columns: Columns) -> dict[str, Any]:
    return {"Values": [day], "StorageDescriptor": _descriptor(location, columns)}


def _descriptor(location: str, columns: Columns) -> dict[str, Any]:
    hive = "org.apache.hadoop.hive.ql.io.parquet"
    return {
        "Columns": [{"Name": name, "Type": kind} for name, kind in columns],
        "Location": location,
        "InputFormat": f"{hive}.MapredParquetInputFormat",
        "OutputFormat": f"{hive}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{hive}.serde.ParquetHiveSerDe", "Parameters": {}},
    }


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[i : i + _BATCH] for i in range(0, len(values), _BATCH))
