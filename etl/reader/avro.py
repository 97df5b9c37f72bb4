"""Avro object container files in plain Python (null, deflate, snappy), so that a Lambda needs no extension.

After the Avro 1.11 specification: sections Binary Encoding, Object Container Files, Logical Types.
"""

import json
import struct
import zlib
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import BytesIO
from typing import Any, BinaryIO

from etl.reader.numbers import day, moment, single
from etl.reader.snappy import unpack

MAGIC = b"Obj\x01"
_MAX_SIZE = 1 << 28
_SIZELESS = 16  # so many items of no size (nulls, empty records) are taken
_PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
_KINDS = (*_PRIMITIVES, "record", "enum", "array", "map", "fixed")


class AvroError(ValueError):
    """The file is damaged or uses what this reader does not know."""


def read_avro(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """The records of a container file, in order."""
    if stream.read(4) != MAGIC:
        raise AvroError("not an Avro container file")
    meta = _map(stream, lambda s: _bytes(s))
    sync = _exactly(stream, 16)
    codec = meta.get("avro.codec", b"null").decode()
    if codec not in _CODECS:
        raise AvroError(f"Avro codec {codec!r} is not read here: write it with one of {', '.join(_CODECS)}")
    names: dict[str, Any] = {}
    schema = _resolved(json.loads(meta["avro.schema"]), "", names)
    while head := stream.read(1):
        count = _long(stream, head)
        body = BytesIO(_CODECS[codec](_exactly(stream, _long(stream))))
        _believable(body, count)
        for _ in range(count):
            value = _value(body, schema, names)
            if not isinstance(value, dict):
                raise AvroError("the Avro schema is not a record")
            yield value
        if _exactly(stream, 16) != sync:
            raise AvroError("a block of the Avro file does not end with its sync marker")


def _inflated(block: bytes) -> bytes:
    """Raw deflate, of no more than a bounded size."""
    inflate = zlib.decompressobj(-15)
    data = inflate.decompress(block, _MAX_SIZE)
    if not inflate.eof:
        raise AvroError("a deflated block of the Avro file is cut off or too large")
    return data


_CODECS: dict[str, Callable[[bytes], bytes]] = {
    "null": lambda block: block,
    "deflate": _inflated,
    "snappy": lambda block: unpack(block, _MAX_SIZE),
}


def _believable(stream: BinaryIO, count: int) -> None:
    """No more items than bytes are left for them: items of no size could be counted without end."""
    if not isinstance(stream, BytesIO):  # the metadata, whose entries all have a size
        return
    left = stream.getbuffer().nbytes - stream.tell()
    if not 0 <= count <= left + _SIZELESS:
        raise AvroError(f"{count} items in {left} bytes of the Avro file")


def _resolved(schema: Any, space: str, names: dict[str, Any]) -> Any:
    """The schema with full names, of types within namespace `space`; its named types go into `names`.

    https://avro.apache.org/docs/1.11.1/specification/#names
    """
    if isinstance(schema, list):
        return [_resolved(branch, space, names) for branch in schema]
    if isinstance(schema, str):
        return schema if schema in _PRIMITIVES else _full(schema, space)
    made = dict(schema)
    if "name" in made:
        own = made.get("namespace")
        name = _full(made["name"], space if own is None else own)
        space = name.rpartition(".")[0]
        names[name] = made
    if "fields" in made:
        made["fields"] = [f | {"type": _resolved(f["type"], space, names)} for f in made["fields"]]
        if len({field["name"] for field in made["fields"]}) < len(made["fields"]):
            raise AvroError("a field of the Avro schema comes twice")
    for part in ("items", "values", "type"):
        if part in made and made[part] not in _KINDS:
            made[part] = _resolved(made[part], space, names)
    return made


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _named(name: str, names: dict[str, Any]) -> Any:
    """The type of a full name, or else of the same name in no namespace, as Avro's own library has it."""
    found = names.get(name, names.get(name.rpartition(".")[2]))
    if found is None:
        raise AvroError(f"the Avro schema does not say what {name!r} is")
    return found


def _value(stream: BinaryIO, schema: Any, names: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return _value(stream, schema[_index(_long(stream), schema)], names)
    if isinstance(schema, str):
        return (
            _primitive(stream, schema)
            if schema in _PRIMITIVES
            else _value(stream, _named(schema, names), names)
        )
    kind = schema["type"]
    match kind:
        case "record":
            return {f["name"]: _value(stream, f["type"], names) for f in schema["fields"]}
        case "enum":
            return schema["symbols"][_index(_long(stream), schema["symbols"])]
        case "array":
            return list(_blocks(stream, lambda s: _value(s, schema["items"], names)))
        case "map":
            return _map(stream, lambda s: _value(s, schema["values"], names))
        case "fixed":
            return _logical(_exactly(stream, schema["size"]), schema)
        case str() if kind in _PRIMITIVES:
            return _logical(_primitive(stream, kind), schema)
    return _value(stream, kind, names)


def _primitive(stream: BinaryIO, kind: str) -> Any:
    match kind:
        case "null":
            return None
        case "boolean":
            return _exactly(stream, 1) == b"\x01"
        case "int" | "long":
            return _long(stream)
        case "float":
            return single(struct.unpack("<f", _exactly(stream, 4))[0])
        case "double":
            return struct.unpack("<d", _exactly(stream, 8))[0]
        case "bytes":
            return _bytes(stream)
    return _bytes(stream).decode("utf-8", "backslashreplace")


def _logical(value: Any, schema: dict[str, Any]) -> Any:
    """One that no calendar of Python holds becomes a text, so that its row alone is rejected."""
    match schema.get("logicalType"):
        case "decimal":
            return Decimal(f"{int.from_bytes(value, 'big', signed=True)}E-{int(schema.get('scale', 0))}")
        case "date":
            return day(value)
        case "timestamp-millis" | "local-timestamp-millis":
            return moment(1000 * value)
        case "timestamp-micros" | "local-timestamp-micros":
            return moment(value)
    return value


def _blocks(stream: BinaryIO, read: Any) -> Iterator[Any]:
    while count := _long(stream):
        if count < 0:
            count = -count
            _long(stream)
        _believable(stream, count)
        for _ in range(count):
            yield read(stream)


def _map(stream: BinaryIO, read: Any) -> dict[str, Any]:
    return dict(_blocks(stream, lambda s: (_bytes(s).decode("utf-8", "backslashreplace"), read(s))))


def _bytes(stream: BinaryIO) -> bytes:
    return _exactly(stream, _long(stream))


def _index(index: int, options: list[Any]) -> int:
    if not 0 <= index < len(options):
        raise AvroError(f"branch {index} of {len(options)} in the Avro file")
    return index


def _long(stream: BinaryIO, head: bytes | None = None) -> int:
    shift = value = 0
    while True:
        byte = (head or _exactly(stream, 1))[0]
        head = None
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1)
        shift += 7
        if shift > 63:
            raise AvroError("a number of the Avro file is too long")


def _exactly(stream: BinaryIO, size: int) -> bytes:
    if not 0 <= size <= _MAX_SIZE:
        raise AvroError(f"a length of {size} in the Avro file")
    data = stream.read(size)
    if len(data) != size:
        raise AvroError("the Avro file ends early")
    return data
