"""The crawler's classifiers: an object's format and schema, from its first megabyte or its own metadata.

https://docs.aws.amazon.com/glue/latest/dg/add-classifier.html
"""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.local_cloud import glue_avro, glue_store
from scripts.local_cloud.crawlers.schema import Column, Schema, wider
from scripts.local_cloud.glue_store import StoredObject

_SAMPLE = 1 << 20
_DELIMITERS = (",", "|", "\t", ";", "\x01")
_HEADER_NAME = re.compile(r"[^\x00-\x1f]{1,150}")
_known: dict[tuple[str, int, str], Schema | None] = {}

Classifier = Mapping[str, Any]


def classify(item: StoredObject, custom: Sequence[Classifier] = ()) -> Schema | None:
    """The object's schema; None for what no classifier knows. Content is looked at once."""
    key = (item.etag, item.size, json.dumps([dict(one) for one in custom], default=str))
    if key not in _known:
        _known[key] = _classify(glue_store.local_copy(item).read_bytes(), custom)
    return _known[key]


def _classify(data: bytes, custom: Sequence[Classifier]) -> Schema | None:
    if data[:4] == b"PAR1":
        return _parquet(data)
    if data[:4] == b"Obj\x01":
        return _avro(data)
    try:
        text = _whole_lines(data).decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    for one in custom:
        if one.get("JsonClassifier", {}).get("JsonPath") == "$" and (found := _json(text)) is not None:
            return found
        if "CsvClassifier" in one and (found := _csv(text, one["CsvClassifier"])) is not None:
            return found
    return _json(text) or _csv(text, {})


def _whole_lines(data: bytes) -> bytes:
    return data if len(data) <= _SAMPLE else data[: data.rfind(b"\n", 0, _SAMPLE) + 1]


def _parquet(data: bytes) -> Schema:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(io.BytesIO(data))
    columns = tuple((field.name.lower(), hive_of_arrow(field.type)) for field in file.schema_arrow)
    return Schema("parquet", columns, records=file.metadata.num_rows)


def hive_of_arrow(kind: Any) -> str:
    """An Arrow type as Hive's."""
    import pyarrow.types as arrow

    if arrow.is_list(kind) or arrow.is_large_list(kind):
        return f"array<{hive_of_arrow(kind.value_type)}>"
    if arrow.is_map(kind):
        return f"map<{hive_of_arrow(kind.key_type)},{hive_of_arrow(kind.item_type)}>"
    if arrow.is_struct(kind):
        return "struct<" + ",".join(f"{one.name}:{hive_of_arrow(one.type)}" for one in kind) + ">"
    if arrow.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if arrow.is_timestamp(kind):
        return "timestamp"
    if arrow.is_dictionary(kind):
        return hive_of_arrow(kind.value_type)
    plain = {
        "bool": "boolean", "int8": "tinyint", "uint8": "smallint", "int16": "smallint", "uint16": "int",
        "int32": "int", "uint32": "bigint", "int64": "bigint", "uint64": "bigint", "halffloat": "float",
        "float": "float", "double": "double", "date32[day]": "date", "binary": "binary",
        "large_binary": "binary",
    }  # fmt: skip
    return plain.get(str(kind), "string")


def _avro(data: bytes) -> Schema:
    written, rows = glue_avro.records(data)
    columns = tuple((one["name"].lower(), _hive_of_avro(one["type"])) for one in written.get("fields", []))
    options = {"avro.schema.literal": json.dumps(written, default=str)}
    return Schema("avro", columns, serde_options=options, records=len(rows))


def _hive_of_avro(kind: Any) -> str:
    if isinstance(kind, list):
        return next((_hive_of_avro(one) for one in kind if one != "null"), "string")
    if not isinstance(kind, dict):
        plain = {"long": "bigint", "bytes": "binary"}
        return plain.get(kind, kind if kind in {"int", "float", "double", "boolean", "string"} else "string")
    logical = kind.get("logicalType", "")
    if logical == "decimal":
        return f"decimal({kind['precision']},{kind.get('scale', 0)})"
    if logical == "date":
        return "date"
    if logical.startswith(("timestamp", "local-timestamp")):
        return "timestamp"
    if kind["type"] == "array":
        return f"array<{_hive_of_avro(kind['items'])}>"
    if kind["type"] == "map":
        return f"map<string,{_hive_of_avro(kind['values'])}>"
    if kind["type"] == "record":
        return (
            "struct<"
            + ",".join(f"{one['name']}:{_hive_of_avro(one['type'])}" for one in kind["fields"])
            + ">"
        )
    return _hive_of_avro(kind["type"]) if kind["type"] != "enum" else "string"


def _json(text: str) -> Schema | None:
    """JSON lines: one object a line."""
    kinds: dict[str, str] = {}
    count = 0
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            return None
        if not isinstance(row, dict):
            return None
        count += 1
        for name, value in row.items():
            if (kind := _hive_of_json(value)) is not None:
                kinds[name.lower()] = wider(kinds.get(name.lower(), kind), kind)
            else:
                kinds.setdefault(name.lower(), "")
    columns = tuple((name, kind or "string") for name, kind in kinds.items())
    return Schema("json", columns, records=count) if columns else None


def _hive_of_json(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "int" if -(2**31) <= value < 2**31 else "bigint"
    if isinstance(value, float):
        return "double"
    if isinstance(value, list):
        kinds = [kind for kind in map(_hive_of_json, value) if kind]
        inner = kinds[0] if kinds else "string"
        for kind in kinds:
            inner = wider(inner, kind)
        return f"array<{inner}>"
    if isinstance(value, dict):
        return (
            "struct<"
            + ",".join(f"{key.lower()}:{_hive_of_json(one) or 'string'}" for key, one in value.items())
            + ">"
        )
    return "string"


def _csv(text: str, custom: Mapping[str, Any]) -> Schema | None:
    """At least two rows and columns; the first row names the columns if it differs in type from the rest."""
    delimiter, rows = _split_rows(text, custom)
    least = 1 if custom.get("AllowSingleColumn") else 2
    if not rows or len(rows) < (1 if custom else 2) or len(rows[0]) < least:
        return None
    if sum(len(row) != len(rows[0]) for row in rows) > len(rows) * 0.3:
        return None
    body = rows[1:]
    kinds = [
        _kind_of_texts([row[index] for row in body if index < len(row)]) for index in range(len(rows[0]))
    ]
    header = _has_header(rows[0], kinds, custom)
    if not header:
        body = rows
        kinds = [
            _kind_of_texts([row[index] for row in rows if index < len(row)]) for index in range(len(rows[0]))
        ]
    names = custom.get("Header") or (rows[0] if header else [f"col{index}" for index in range(len(rows[0]))])
    serde = custom.get("Serde") or "LazySimpleSerDe"
    quote = custom.get("QuoteSymbol")
    parameters = {
        "delimiter": delimiter,
        "areColumnsQuoted": str(bool(quote)).lower(),
        "columnsOrdered": "true",
    }
    if header:
        parameters["skip.header.line.count"] = "1"
    if serde == "OpenCSVSerDe":
        options = {"separatorChar": delimiter, "quoteChar": quote or '"', "escapeChar": "\\"}
        kinds = ["string"] * len(kinds)
    else:
        serde, options = "LazySimpleSerDe", {"field.delim": delimiter}
    columns: tuple[Column, ...] = tuple(
        (_column_name(name), kind) for name, kind in zip(names, kinds, strict=False)
    )
    return Schema("csv", columns, serde, options, parameters, len(body))


def _split_rows(text: str, custom: Mapping[str, Any]) -> tuple[str, list[list[str]]]:
    quote = custom.get("QuoteSymbol") or '"'
    choices = [custom["Delimiter"]] if custom.get("Delimiter") else list(_DELIMITERS)
    best: tuple[str, list[list[str]]] = (choices[0], [])
    for delimiter in choices:
        try:
            rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter, quotechar=quote) if row]
        except csv.Error:
            continue
        if rows and len(rows[0]) > (len(best[1][0]) if best[1] else 0):
            best = (delimiter, rows)
    return best


def _has_header(first: Sequence[str], kinds: Sequence[str], custom: Mapping[str, Any]) -> bool:
    wanted = custom.get("ContainsHeader") or "UNKNOWN"
    if wanted != "UNKNOWN":
        return bool(wanted == "PRESENT")
    texts = all(_kind_of_texts([cell]) == "string" and _HEADER_NAME.fullmatch(cell) for cell in first)
    return texts and any(kind != "string" for kind in kinds)


def _kind_of_texts(cells: Sequence[str]) -> str:
    found = [cell.strip() for cell in cells if cell.strip()]
    if found and all(re.fullmatch(r"[+-]?\d{1,18}", cell) for cell in found):
        return "bigint"
    if found and all(re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", cell) for cell in found):
        return "double"
    return "string"


def _column_name(name: str) -> str:
    return name.strip().strip('"').lower()
