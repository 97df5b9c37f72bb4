"""What a crawl found, written into the catalog: tables made or changed, partitions added, others retired.

https://docs.aws.amazon.com/glue/latest/dg/crawler-schema-changes-prevent.html
"""

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts.local_cloud.crawlers.grouping import FoundTable
from scripts.local_cloud.crawlers.schema import Schema, merge
from scripts.local_cloud.glue_protocol import call

_HIVE = "org.apache.hadoop.hive"
_TEXT = ("org.apache.hadoop.mapred.TextInputFormat", f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat")
_PARQUET = f"{_HIVE}.ql.io.parquet"
_STORAGE = {
    "parquet": (
        f"{_PARQUET}.MapredParquetInputFormat",
        f"{_PARQUET}.MapredParquetOutputFormat",
        f"{_PARQUET}.serde.ParquetHiveSerDe",
    ),
    "avro": (
        f"{_HIVE}.ql.io.avro.AvroContainerInputFormat",
        f"{_HIVE}.ql.io.avro.AvroContainerOutputFormat",
        f"{_HIVE}.serde2.avro.AvroSerDe",
    ),
    "json": (*_TEXT, "org.openx.data.jsonserde.JsonSerDe"),
    "LazySimpleSerDe": (*_TEXT, f"{_HIVE}.serde2.lazy.LazySimpleSerDe"),
    "OpenCSVSerDe": (*_TEXT, f"{_HIVE}.serde2.OpenCSVSerde"),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The crawler's settings that decide what it may change."""

    crawler: str
    database: str
    prefix: str
    on_update: str = "UPDATE_IN_DATABASE"
    on_delete: str = "DEPRECATE_IN_DATABASE"
    merge_new_columns: bool = False


@dataclass
class Changes:
    """What a crawl changed, counted as its event and its metrics tell it."""

    tables_created: list[str] = field(default_factory=list)
    tables_updated: list[str] = field(default_factory=list)
    tables_deleted: list[str] = field(default_factory=list)
    partitions_created: int = 0
    partitions_updated: int = 0
    partitions_deleted: int = 0
    log: list[str] = field(default_factory=list)


def publish(policy: Policy, found: Sequence[FoundTable], targets: Iterable[str]) -> Changes:
    """Bring the catalog up to what was found below the targets."""
    from ministack.services import glue

    changes = Changes()
    if policy.database not in glue._databases:
        call(glue._create_database, {"DatabaseInput": {"Name": policy.database}})
    seen = set()
    for table in found:
        name = _free_name(policy, table)
        seen.add(name)
        _publish_table(policy, name, table, changes)
        _publish_partitions(policy, name, table, changes)
    for name in _vanished(policy, seen, tuple(targets)):
        _retire(policy, name, changes)
    return changes


def _free_name(policy: Policy, table: FoundTable) -> str:
    """The prefixed name; with a suffix if a table elsewhere already has it."""
    from ministack.services import glue

    name = f"{policy.prefix}{table.name}".lower()
    known = glue._tables.get(f"{policy.database}/{name}")
    if known and known["StorageDescriptor"].get("Location", "").rstrip("/") != table.location.rstrip("/"):
        return f"{name}_{hashlib.md5(table.location.encode(), usedforsecurity=False).hexdigest()}"
    return name


def _publish_table(policy: Policy, name: str, table: FoundTable, changes: Changes) -> None:
    from ministack.services import glue

    schema = merge([one.schema for one in table.files])
    wanted = _table_input(policy, name, table, schema)
    known = glue._tables.get(f"{policy.database}/{name}")
    if known is None:
        call(glue._create_table, {"DatabaseName": policy.database, "TableInput": wanted})
        changes.tables_created.append(name)
        return
    if policy.merge_new_columns:
        wanted["StorageDescriptor"]["Columns"] = _with_new_columns(known, wanted)
    if _shape(known) == _shape(wanted):
        known["Parameters"] = {**known.get("Parameters", {}), **wanted["Parameters"]}
        known["Parameters"].pop("DEPRECATED_BY_CRAWLER", None)
    elif policy.on_update == "LOG":
        changes.log.append(f"INFO : Schema of {policy.database}.{name} changed; not updated (LOG)")
    else:
        wanted["Parameters"] = {**known.get("Parameters", {}), **wanted["Parameters"]}
        wanted["Parameters"].pop("DEPRECATED_BY_CRAWLER", None)
        call(glue._update_table, {"DatabaseName": policy.database, "TableInput": wanted})
        changes.tables_updated.append(name)


def _shape(table: Mapping[str, Any]) -> tuple[Any, ...]:
    storage = table["StorageDescriptor"]
    columns = [(one["Name"], one.get("Type")) for one in storage.get("Columns", [])]
    keys = [one["Name"] for one in table.get("PartitionKeys", [])]
    serde = (storage.get("SerdeInfo") or {}).get("SerializationLibrary")
    return columns, keys, storage.get("Location", "").rstrip("/"), serde


def _with_new_columns(known: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[dict[str, Any]]:
    kept = list(known["StorageDescriptor"].get("Columns", []))
    names = {one["Name"] for one in kept}
    return [*kept, *(one for one in wanted["StorageDescriptor"]["Columns"] if one["Name"] not in names)]


def _table_input(policy: Policy, name: str, table: FoundTable, schema: Schema) -> dict[str, Any]:
    size = sum(one.item.size for one in table.files)
    parameters = {
        "CrawlerSchemaDeserializerVersion": "1.0",
        "CrawlerSchemaSerializerVersion": "1.0",
        "UPDATED_BY_CRAWLER": policy.crawler,
        "classification": schema.format,
        "compressionType": "gzip" if table.files[0].item.key.endswith(".gz") else "none",
        "typeOfData": "file",
        "objectCount": str(len(table.files)),
        "sizeKey": str(size),
        "recordCount": str(schema.records),
        "averageRecordSize": str(size // max(1, schema.records)),
        **schema.parameters,
    }
    return {
        "Name": name,
        "Owner": "owner",
        "TableType": "EXTERNAL_TABLE",
        "PartitionKeys": [{"Name": key, "Type": "string"} for key in table.keys],
        "Parameters": parameters,
        "StorageDescriptor": _storage(schema, table, parameters),
    }


def _storage(schema: Schema, table: FoundTable, parameters: Mapping[str, str]) -> dict[str, Any]:
    reads, writes, serde = _STORAGE[schema.serde or schema.format]
    keys = set(table.keys)
    options = {"serialization.format": "1"} if schema.format in {"parquet", "avro"} else {}
    if schema.format == "json":
        options = {"paths": ",".join(name for name, _ in schema.columns)}
    return {
        "Columns": [{"Name": name, "Type": kind} for name, kind in schema.columns if name not in keys],
        "Location": table.location,
        "InputFormat": reads,
        "OutputFormat": writes,
        "Compressed": parameters["compressionType"] != "none",
        "NumberOfBuckets": -1,
        "SerdeInfo": {"SerializationLibrary": serde, "Parameters": {**options, **schema.serde_options}},
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": dict(parameters),
        "StoredAsSubDirectories": False,
    }


def _publish_partitions(policy: Policy, name: str, table: FoundTable, changes: Changes) -> None:
    """Add what is new; a known partition keeps the location that it has."""
    from ministack.services import glue

    key = f"{policy.database}/{name}"
    storage = glue._tables[key]["StorageDescriptor"]
    known = {tuple(one["Values"]) for one in glue._partitions.get(key) or []}
    new = [
        {"Values": list(values), "StorageDescriptor": {**storage, "Location": location}, "Parameters": {}}
        for values, location in sorted(table.partitions.items())
        if values not in known
    ]
    for start in range(0, len(new), 100):
        request = {
            "DatabaseName": policy.database,
            "TableName": name,
            "PartitionInputList": new[start : start + 100],
        }
        call(glue._batch_create_partition, request)
    changes.partitions_created += len(new)
    if policy.on_delete == "DELETE_FROM_DATABASE":
        _drop_partitions(policy, name, table, known, changes)


def _drop_partitions(
    policy: Policy, name: str, table: FoundTable, known: set[tuple[str, ...]], changes: Changes
) -> None:
    from ministack.services import glue

    for values in known - set(table.partitions):
        request = {"DatabaseName": policy.database, "TableName": name, "PartitionValues": list(values)}
        call(glue._delete_partition, request)
        changes.partitions_deleted += 1


def _vanished(policy: Policy, seen: set[str], targets: tuple[str, ...]) -> list[str]:
    """Tables that this crawler once made below its targets, and that have no files any more."""
    from ministack.services import glue

    return [
        record["Name"]
        for key, record in list(glue._tables.items())
        if key.startswith(f"{policy.database}/")
        and record["Name"] not in seen
        and (record.get("Parameters") or {}).get("UPDATED_BY_CRAWLER") == policy.crawler
        and str((record.get("StorageDescriptor") or {}).get("Location", "")).startswith(targets)
    ]


def _retire(policy: Policy, name: str, changes: Changes) -> None:
    from ministack.services import glue

    record = glue._tables[f"{policy.database}/{name}"]
    if policy.on_delete == "DELETE_FROM_DATABASE":
        call(glue._delete_table, {"DatabaseName": policy.database, "Name": name})
        changes.tables_deleted.append(name)
    elif policy.on_delete == "DEPRECATE_IN_DATABASE":
        record.setdefault("Parameters", {}).setdefault("DEPRECATED_BY_CRAWLER", str(int(time.time() * 1000)))
        changes.log.append(f"INFO : Table {policy.database}.{name} has no files any more; deprecated")
    else:
        changes.log.append(
            f"INFO : Table {policy.database}.{name} has no files any more; left as it is (LOG)"
        )
