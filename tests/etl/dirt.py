"""Generated files with every kind of dirt, from a seed, and the dirt itself for Hypothesis."""

import bz2
import gzip
import io
import json
import random
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from etl.manifest import SourceFile
from tests.etl.builders import source

NAMES = ("order_id", "customer_id", "product_id", "quantity", "price", "order_date", "region")
DIRT: dict[str, tuple[str, ...]] = {
    "order_id": ("", " ", "1001 ", "x" * 129, "Ünïcode", "1e3", "\t7"),
    "customer_id": ("", "C999", " C001", "c001", "None"),
    "product_id": ("", "P,1", 'P"1'),
    "quantity": ("", "0", "-1", "1.5", "1e3", "0x10", "+2", "007", " 3 ", "9999999", "99999999", "two", "２"),
    "price": (
        *("", "-0.01", "1.005", "1.50", "1.5000", ".5", "5.", "1e2", "NaN", "1,50", "$3", "999999999.99"),
        *("1000000000000", "1000000000000.01", "9999999999999.99", "10000000000000.00"),
    ),
    "order_date": (
        "",
        "2024",
        "today",
        "2024/01/05",
        "2024-02-30",
        "2024-13-01",
        "1999-12-31",
        "2031-01-01",
        "2024-01-15T23:30:00-05:00",
        "2024-01-15T00:10:00.123+0200",
        "2024-01-15 25:00",
        "2024-01-15T10:00Z",
        "0000-01-01",
    ),
    "region": ("", " ", " North ", "Süd", "unknown", "N\tW"),
}
LINES = (
    "",
    "   ",
    "a,b",
    "1,2,3,4,5,6,7,8",
    '"open,1,2',
    'x"y,C001,P,1,1.00,2024-01-01,N',
    '"a"b,c,d,e,f,g,h',
)
BYTES = (b"\xff\xfe,C001,P,1,1.00,2024-01-01,N", b"\x00", b"5,C001,P,1,1.00\r,2024-01-01,N", b"\xc3")


def row(random_: random.Random, dirty: float) -> list[str]:
    values = [
        str(random_.randrange(1000, 1060)),
        f"C00{random_.randrange(1, 9)}",
        f"P{random_.randrange(5)}",
        str(random_.randrange(1, 6)),
        f"{random_.randrange(1, 99999) / 100:.2f}",
        f"2024-01-{random_.randrange(1, 29):02d}",
        random_.choice(("North", "South", "East", "West")),
    ]
    for place, name in enumerate(NAMES):
        if random_.random() < dirty:
            values[place] = random_.choice(DIRT[name])
    return values


def csv_bytes(rows: list[list[str]], random_: random.Random, dirty: float) -> bytes:
    """Rows quoted where CSV asks for it, and now and then a line or bytes that no CSV allows."""
    end = random_.choice(("\n", "\r\n"))
    out = [",".join(NAMES).encode()]
    for values in rows:
        quoted = ('"' + v.replace('"', '""') + '"' if set(v) & set(',"\n') else v for v in values)
        out.append(",".join(quoted).encode())
        if random_.random() < dirty:
            out.append(random_.choice(LINES).encode())
        if random_.random() < dirty / 3:
            out.append(random_.choice(BYTES))
    bom = b"\xef\xbb\xbf" if random_.random() < 0.3 else b""
    return bom + end.encode().join(out) + (end.encode() if random_.random() < 0.8 else b"")


def json_bytes(rows: list[list[str]], random_: random.Random, dirty: float) -> bytes:
    out = []
    for values in rows:
        record: dict[str, Any] = dict(zip(NAMES, values, strict=True))
        if random_.random() < 0.5:
            record["price"] = random_.choice((1.5, 29.99, 1e-7, True, None, 12345678901234567890))
        if random_.random() < dirty:
            record["coupon"] = random_.choice(("X", 5, ["a"], {"b": 1}, None))
        if random_.random() < dirty:
            record["currency"] = random_.choice(("USD", "usd", " USD ", "Usd", "EUR", "", None))
        if random_.random() < dirty / 2:
            record["region"] = random_.choice(([1], {"a": 1}, "\ud800", "nul\x00"))
        out.append(json.dumps(record))
        if random_.random() < dirty / 2:
            out.append(random_.choice(("{", "[1]", "nonsense", '{"price": NaN}', "null", "{}")))
    return "\n".join(out).encode()


def parquet_bytes(random_: random.Random, count: int) -> bytes:
    table = pa.table(
        {
            "order_id": pa.array([random_.randrange(1000, 1060) for _ in range(count)], pa.int64()),
            "customer_id": [f"C00{random_.randrange(1, 9)}" for _ in range(count)],
            "quantity": pa.array([random_.choice((1.0, 2.0, 1.5, None)) for _ in range(count)], pa.float64()),
            "price": pa.array([Decimal(random_.randrange(99999)).scaleb(-2) for _ in range(count)]),
            "order_date": pa.array([date(2024, 1, random_.randrange(1, 29)) for _ in range(count)]),
            "tags": [["a", "b"]] * count,
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def avro_bytes(random_: random.Random, count: int) -> bytes:
    money = {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}
    schema = {
        "type": "record",
        "name": "Sale",
        "fields": [
            {"name": "order_id", "type": "long"},
            {"name": "customer_id", "type": ["null", "string"]},
            {"name": "quantity", "type": "int"},
            {"name": "price", "type": money},
            {"name": "order_date", "type": {"type": "int", "logicalType": "date"}},
        ],
    }
    records = [
        {
            "order_id": random_.randrange(1000, 1060),
            "customer_id": random_.choice(("C001", "C002", None)),
            "quantity": random_.randrange(-1, 5),
            "price": Decimal(random_.randrange(99999)).scaleb(-2),
            "order_date": date(2024, 1, random_.randrange(1, 29)),
        }
        for _ in range(count)
    ]
    out = io.BytesIO()
    fastavro.writer(out, schema, records, codec=random_.choice(("null", "deflate")))
    return out.getvalue()


def make_files(folder: Path, seed: int, count: int = 60, dirty: float = 0.08) -> list[SourceFile]:
    """A dozen files of all formats; half of the CSV is plain, so that the native way is taken too."""
    random_ = random.Random(seed)
    rows = [row(random_, dirty) for _ in range(count)]
    plain = [row(random_, 0) for _ in range(count)]
    packed: list[Callable[[bytes], bytes]] = [bytes, gzip.compress, bz2.compress]
    contents = {
        "dirty.csv": csv_bytes(rows, random_, dirty),
        "plain.csv": ("\n".join([",".join(NAMES), *(",".join(r) for r in plain)]) + "\n").encode(),
        "unquoted.csv": ("\n".join([",".join(NAMES), *(",".join(r) for r in rows)])).encode(),
        "packed.csv.gz": random_.choice(packed)(csv_bytes(rows[::-1], random_, dirty)),
        "cut.csv.gz": gzip.compress(csv_bytes(plain * 9, random_, 0))[:-20],
        "rows.jsonl": json_bytes(rows, random_, dirty),
        "typed.parquet": parquet_bytes(random_, count),
        "typed.avro": avro_bytes(random_, count),
        "other.csv": b"a,b,c\n1,2,3\n",
        "noise.csv": random_.randbytes(400),
        "empty.csv": b"",
        "customers.csv": _customers(random_),
    }
    files = []
    for day, (name, content) in enumerate(contents.items(), 1):
        path = folder / name
        path.write_bytes(content)
        files.append(source(path, day % 4 + 1, "customers" if name.startswith("customers") else "sales"))
    return files


def _customers(random_: random.Random) -> bytes:
    lines = ["customer_id,name,email,registration_date,status,tier"]
    for number in (*range(1, 8), 3, 5):
        joined = random_.choice(("2023-01-01", "soon", "2033-01-01", ""))
        lines.append(f"C00{number},Näme {random_.randrange(99)},c{number}@x.org,{joined},active,gold")
    lines.append(",No Id,x@x.org,2023-01-01,active,gold")
    return ("\n".join(lines) + "\n").encode()
