"""The engine's Glue catalog as Athena sees it: names without case, tables with their partitions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.local_cloud.athena.errors import QueryError

Column = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Partition:
    values: tuple[str, ...]
    location: str


@dataclass(frozen=True, slots=True)
class CatalogTable:
    """A table as far as a query needs it; types are Hive's, names lower case."""

    database: str
    name: str
    kind: str
    location: str
    columns: list[Column]
    keys: list[Column]
    serde: str
    serde_options: Mapping[str, str]
    parameters: Mapping[str, str]
    view_text: str
    partitions: list[Partition] = field(repr=False)

    @property
    def is_view(self) -> bool:
        return self.kind == "VIRTUAL_VIEW"


def find_database(name: str) -> Mapping[str, Any]:
    from ministack.services import glue

    record = glue._databases.get(name.lower())
    if record is None and name.lower() != "default":
        raise QueryError("SCHEMA_NOT_FOUND", f"line 1:15: Schema '{name.lower()}' does not exist")
    return record or {"Name": "default"}


def has_table(database: str, name: str) -> bool:
    return _record(database, name) is not None


def _record(database: str, name: str) -> dict[str, Any] | None:
    from ministack.services import glue

    found: dict[str, Any] | None = glue._tables.get(f"{database.lower()}/{name.lower()}")
    return found


def find_table(database: str, name: str) -> CatalogTable:
    """The table, or TABLE_NOT_FOUND as Athena words it."""
    record = _record(database, name)
    if record is None:
        full = f"awsdatacatalog.{database.lower()}.{name.lower()}"
        raise QueryError("TABLE_NOT_FOUND", f"line 1:15: Table '{full}' does not exist")
    return _as_table(record)


def tables_in(database: str) -> list[CatalogTable]:
    from ministack.services import glue

    prefix = f"{database.lower()}/"
    return [_as_table(record) for key, record in sorted(glue._tables.items()) if key.startswith(prefix)]


def databases() -> list[str]:
    from ministack.services import glue

    return sorted({*glue._databases.keys(), "default"})


def _as_table(record: Mapping[str, Any]) -> CatalogTable:
    storage = record.get("StorageDescriptor") or {}
    serde = storage.get("SerdeInfo") or {}
    return CatalogTable(
        database=record["DatabaseName"],
        name=record["Name"],
        kind=record.get("TableType") or "EXTERNAL_TABLE",
        location=storage.get("Location") or "",
        columns=_columns(storage.get("Columns")),
        keys=_columns(record.get("PartitionKeys")),
        serde=(serde.get("SerializationLibrary") or "").rpartition(".")[2],
        serde_options=serde.get("Parameters") or {},
        parameters={**(storage.get("Parameters") or {}), **(record.get("Parameters") or {})},
        view_text=record.get("ViewOriginalText") or "",
        partitions=_partitions(record["DatabaseName"], record["Name"]),
    )


def _columns(columns: list[Mapping[str, str]] | None) -> list[Column]:
    return [(column["Name"].lower(), column.get("Type") or "string") for column in columns or []]


def _partitions(database: str, table: str) -> list[Partition]:
    from ministack.services import glue

    return [
        Partition(
            tuple(map(str, item["Values"])), (item.get("StorageDescriptor") or {}).get("Location") or ""
        )
        for item in list(glue._partitions.get(f"{database}/{table}") or [])
    ]
