"""What the engine's Data Catalog lacks: partition updates, expressions, paging, searches, versions, events.

https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api-catalog.html
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import duckdb

from scripts.local_cloud import glue_events, glue_tables, seams
from scripts.local_cloud.athena import types
from scripts.local_cloud.athena.quoting import name as quoted
from scripts.local_cloud.athena.quoting import value as text
from scripts.local_cloud.glue_protocol import Action, Response, ServiceError, action_of, page, refusal, reply

Answer = Callable[[dict[str, Any]], Response]

# The catalog folds these to lower case, for Hive's sake.
_NAMES = ("DatabaseName", "TableName")
_INPUTS = ("DatabaseInput", "TableInput")
_NAMED_BY_NAME = {"GetDatabase", "DeleteDatabase", "UpdateDatabase", "GetTable", "DeleteTable"}

_DATABASE_CHANGES = {
    "CreateDatabase": "_create_database",
    "DeleteDatabase": "_delete_database",
    "CreateTable": "_create_table",
    "DeleteTable": "_delete_table",
}
_TABLE_CHANGES = {
    "UpdateTable": "_update_table",
    "CreatePartition": "_create_partition",
    "BatchCreatePartition": "_batch_create_partition",
    "DeletePartition": "_delete_partition",
    "BatchUpdatePartition": "_batch_update_partition",
}


def install(actions: Mapping[str, Answer]) -> None:
    """Hook the catalog; `actions` are further Glue actions that the engine does not know at all."""
    from ministack.services import glue

    seams.require_engine_version()
    glue_events.check_seams()
    for name in ("_databases", "_tables", "_partitions"):
        seams.value_at(glue, name, object)
    history = glue_tables.History()
    versions = {"GetTableVersions": history.get_versions, "GetTableVersion": history.get_version}
    _add_missing(glue, {**_MISSING, **versions, **actions})
    seams.function_at(glue, "_get_partitions", "data")
    seams.function_at(glue, "_get_tables", "data")
    delete = seams.function_at(glue, "_delete_partition", "data")
    glue._get_partitions = get_partitions
    glue._get_tables = get_tables
    glue._delete_partition = lambda data: _delete_known(delete, data)
    glue._get_table = glue_tables.showing(seams.function_at(glue, "_get_table", "data"))
    glue._update_table = history.updating(seams.function_at(glue, "_update_table", "data"))
    glue._delete_table = history.deleting(seams.function_at(glue, "_delete_table", "data"))
    for change, name in (_DATABASE_CHANGES | _TABLE_CHANGES).items():
        setattr(glue, name, _telling(change, seams.function_at(glue, name, "data")))


def _add_missing(glue: Any, actions: Mapping[str, Answer]) -> None:
    original = seams.function_at(
        glue, "_handle_request_sync", "method", "path", "headers", "body", "query_params"
    )

    def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any) -> Any:
        action = action_of(headers)
        if not action or not body:
            return original(method, path, headers, body, query)
        try:
            data = _folded(action, json.loads(body))
        except ValueError:
            return original(method, path, headers, body, query)
        if action not in actions:
            return original(method, path, headers, json.dumps(data).encode(), query)
        try:
            return actions[action](data)
        except ServiceError as error:
            return refusal(error)

    glue._handle_request_sync = handle


def _folded(action: str, data: dict[str, Any]) -> dict[str, Any]:
    for key in _NAMES:
        if isinstance(data.get(key), str):
            data[key] = data[key].lower()
    for key in _INPUTS:
        if isinstance(data.get(key), dict) and "Name" in data[key]:
            data[key]["Name"] = data[key]["Name"].lower()
    if action in _NAMED_BY_NAME and isinstance(data.get("Name"), str):
        data["Name"] = data["Name"].lower()
    return data


def _key(data: Mapping[str, Any]) -> str:
    return f"{data.get('DatabaseName')}/{data.get('TableName')}"


def _require_table(data: Mapping[str, Any]) -> dict[str, Any]:
    from ministack.services import glue

    table: dict[str, Any] | None = glue._tables.get(_key(data))
    if table is None:
        raise ServiceError("EntityNotFoundException", f"Table {data.get('TableName')} not found.")
    return table


def get_tables(data: dict[str, Any]) -> Response:
    """GetTables: Expression is a regular expression over names."""
    from ministack.services import glue

    database = data.get("DatabaseName")
    if database not in glue._databases:
        return refusal(ServiceError("EntityNotFoundException", f"Database {database} not found."))
    pattern = data.get("Expression") or ".*"
    pattern = pattern.replace("*", ".*") if re.fullmatch(r"[\w*|]+", pattern) else pattern
    found = [table for key, table in sorted(glue._tables.items()) if key.startswith(f"{database}/")]
    tables, more = page([one for one in found if re.fullmatch(pattern, one["Name"])], data)
    return reply({"TableList": [glue_tables.shown(table) for table in tables], **more})


def get_partitions(data: dict[str, Any]) -> Response:
    """GetPartitions with its Expression, page by page."""
    from ministack.services import glue

    try:
        table = _require_table(data)
        found = list(glue._partitions.get(_key(data)) or [])
        if data.get("Expression"):
            found = _matching(table, found, data["Expression"])
        partitions, more = page(found, data, 1000)
    except ServiceError as error:
        return refusal(error)
    return reply({"Partitions": partitions, **more})


def _matching(
    table: Mapping[str, Any], partitions: list[dict[str, Any]], expression: str
) -> list[dict[str, Any]]:
    """The partitions that an expression over the keys holds for."""
    keys = [
        (key["Name"], types.from_hive(key.get("Type") or "string"))
        for key in table.get("PartitionKeys") or []
    ]
    if not partitions:
        return []
    rows = ", ".join(
        "(" + ", ".join([str(number), *(text(str(one)) for one in item["Values"])]) + ")"
        for number, item in enumerate(partitions)
    )
    casts = ", ".join(f"CAST({quoted(key)} AS {kind}) AS {quoted(key)}" for key, kind in keys)
    names = ", ".join(["_number", *(quoted(key) for key, _ in keys)])
    sql = f"SELECT _number FROM (SELECT _number, {casts} FROM (VALUES {rows}) t({names})) WHERE {expression}"
    with duckdb.connect() as con:
        try:
            chosen = con.execute(sql).fetchall()
        except duckdb.Error as error:
            raise ServiceError(
                "InvalidInputException", f"Unsupported expression {expression!r}: {error}"
            ) from error
    return [partitions[number] for (number,) in sorted(chosen)]


def _delete_known(delete: Action, data: dict[str, Any]) -> Response:
    try:
        _find_partition(data, data.get("PartitionValues"))
    except ServiceError as error:
        return refusal(error)
    return delete(data)


def _find_partition(data: Mapping[str, Any], values: Any) -> dict[str, Any]:
    from ministack.services import glue

    _require_table(data)
    for partition in glue._partitions.get(_key(data)) or []:
        if partition["Values"] == values:
            found: dict[str, Any] = partition
            return found
    raise ServiceError("EntityNotFoundException", "Cannot find partition.")


def update_partition(data: dict[str, Any]) -> Response:
    """UpdatePartition: the whole partition is replaced at once."""
    partition = _find_partition(data, data.get("PartitionValueList"))
    given = {**data["PartitionInput"]}
    given.setdefault("Values", partition["Values"])
    kept = {key: partition[key] for key in ("DatabaseName", "TableName", "CreationTime", "CatalogId")}
    replaced = {**given, **kept, "LastAccessTime": int(time.time())}
    partition.update(replaced)
    for key in set(partition) - set(replaced):
        del partition[key]
    _tell("UpdatePartition", data)
    return reply({})


def batch_delete_partition(data: dict[str, Any]) -> Response:
    """BatchDeletePartition."""
    from ministack.services import glue

    _require_table(data)
    errors = []
    for entry in data.get("PartitionsToDelete") or []:
        values = entry.get("Values")
        try:
            partition = _find_partition(data, values)
        except ServiceError as error:
            detail = {"ErrorCode": error.code, "ErrorMessage": str(error)}
            errors.append({"PartitionValues": values, "ErrorDetail": detail})
            continue
        glue._partitions[_key(data)].remove(partition)
    _tell("BatchDeletePartition", data)
    return reply({"Errors": errors})


_MISSING: Mapping[str, Answer] = {
    "UpdatePartition": update_partition,
    "BatchDeletePartition": batch_delete_partition,
    "SearchTables": glue_tables.search,
}


def _telling(change: str, action: Action) -> Action:
    """The action, and the event of what it changed."""

    def act(data: dict[str, Any]) -> Response:
        answer = action(data)
        if answer[0] < 300:
            _tell(change, data)
        return answer

    return act


def _tell(change: str, data: Mapping[str, Any]) -> None:
    """https://docs.aws.amazon.com/glue/latest/dg/automating-awsglue-with-cloudwatch-events.html"""
    table = data.get("TableName") or (data.get("TableInput") or {}).get("Name") or data.get("Name")
    if change in _DATABASE_CHANGES:
        database = (
            data.get("DatabaseName") or (data.get("DatabaseInput") or {}).get("Name") or data.get("Name")
        )
        changed = [table] if change.endswith("Table") else []
        detail = {"databaseName": database, "typeOfChange": change, "changedTables": changed}
        glue_events.emit("Glue Data Catalog Database State Change", detail)
        return
    partitions = [f"[{', '.join(map(str, values))}]" for values in _changed_values(data)]
    detail = {
        "databaseName": data.get("DatabaseName"),
        "tableName": table,
        "typeOfChange": change,
        "changedPartitions": partitions,
    }
    glue_events.emit("Glue Data Catalog Table State Change", detail)


def _changed_values(data: Mapping[str, Any]) -> list[list[str]]:
    found = [
        one["Values"] for key in ("PartitionInputList", "PartitionsToDelete") for one in data.get(key) or []
    ]
    found += [one["PartitionValueList"] for one in data.get("Entries") or []]
    single = data.get("PartitionValueList") or data.get("PartitionValues")
    single = single or (data.get("PartitionInput") or {}).get("Values")
    return [*found, *([single] if single else [])]
