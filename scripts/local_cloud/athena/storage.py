"""Storage descriptors as Hive writes them: formats, SerDes, columns."""

from collections.abc import Mapping, Sequence
from typing import Any

_HIVE = "org.apache.hadoop.hive"
_TEXT = ("org.apache.hadoop.mapred.TextInputFormat", f"{_HIVE}.ql.io.HiveIgnoreKeyTextOutputFormat")
FORMATS: dict[str, tuple[str, str, str]] = {
    "PARQUET": (
        f"{_HIVE}.ql.io.parquet.MapredParquetInputFormat",
        f"{_HIVE}.ql.io.parquet.MapredParquetOutputFormat",
        f"{_HIVE}.ql.io.parquet.serde.ParquetHiveSerDe",
    ),
    "AVRO": (
        f"{_HIVE}.ql.io.avro.AvroContainerInputFormat",
        f"{_HIVE}.ql.io.avro.AvroContainerOutputFormat",
        f"{_HIVE}.serde2.avro.AvroSerDe",
    ),
    "TEXTFILE": (*_TEXT, f"{_HIVE}.serde2.lazy.LazySimpleSerDe"),
    "JSON": (*_TEXT, "org.openx.data.jsonserde.JsonSerDe"),
    "OPENCSV": (*_TEXT, f"{_HIVE}.serde2.OpenCSVSerde"),
}


def descriptor(
    kind: str,
    columns: Sequence[tuple[str, str]],
    location: str,
    options: Mapping[str, str],
    serde: str | None = None,
) -> dict[str, Any]:
    """A table's StorageDescriptor."""
    reads, writes, default = FORMATS[kind]
    return {
        "Columns": [{"Name": column, "Type": hive} for column, hive in columns],
        "Location": location,
        "InputFormat": reads,
        "OutputFormat": writes,
        "Compressed": False,
        "NumberOfBuckets": -1,
        "SerdeInfo": {
            "SerializationLibrary": serde or default,
            "Parameters": {"serialization.format": "1", **options},
        },
        "BucketColumns": [],
        "SortColumns": [],
        "Parameters": {},
        "StoredAsSubDirectories": False,
    }
