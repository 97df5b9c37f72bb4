"""Avro containers made by hand, for what no writer writes."""

import io
import json


def avro_file(schema: object, block: bytes, count: int = 1, codec: str = "null") -> io.BytesIO:
    out = io.BytesIO(b"Obj\x01")
    out.seek(4)
    meta = {b"avro.schema": json.dumps(schema).encode(), b"avro.codec": codec.encode()}
    out.write(number(len(meta)))
    for name, value in meta.items():
        out.write(number(len(name)) + name + number(len(value)) + value)
    out.write(number(0) + b"s" * 16 + number(count) + number(len(block)) + block + b"s" * 16)
    out.seek(0)
    return out


def number(value: int) -> bytes:
    """A long of Avro: zigzag, seven bits a byte."""
    value, out = value << 1 if value >= 0 else (-value << 1) - 1, bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def record_of(kind: object) -> dict[str, object]:
    return {"type": "record", "name": "R", "fields": [{"name": "customer_id", "type": kind}]}
