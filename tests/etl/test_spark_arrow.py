"""What a local Spark leaves to Arrow: clean CSV is cut into the columns that its lines have."""

from pathlib import Path
from typing import Any

import pytest

from etl.engines.spark_arrow import PART, cut_columns


def cut(folder: Path, body: str, part: int) -> list[dict[str, Any]] | None:
    pq = pytest.importorskip("pyarrow.parquet")
    path = folder / "clean.csv"
    path.write_text(body)
    made = cut_columns(path, 2, folder / "cut", part)
    rows: list[dict[str, Any]] = pq.read_table(folder / "cut").sort_by("record").to_pylist() if made else []
    return rows if made else None


@pytest.mark.parametrize("part", [PART, 3])
@pytest.mark.parametrize("end", ["", "\n"])
def test_every_line_is_a_record_with_its_number_wherever_the_file_is_cut(
    tmp_path: Path, part: int, end: str
) -> None:
    found = cut(tmp_path, "a,b\nä,x\n1,\n,2\n" + "3,3\n" * 50 + "007,1.50" + end, part)
    assert found is not None
    assert [row["record"] for row in found] == list(range(1, 55))
    assert [(row["c0"], row["c1"]) for row in found[:4]] == [("ä", "x"), ("1", None), (None, "2"), ("3", "3")]
    assert (found[-1]["c0"], found[-1]["c1"]) == ("007", "1.50")


@pytest.mark.parametrize("part", [PART, 3])
@pytest.mark.parametrize("odd", ["1,2,3", "1"])
def test_a_file_with_another_number_of_fields_in_a_line_is_left_to_spark(
    tmp_path: Path, part: int, odd: str
) -> None:
    assert cut(tmp_path, "a,b\n1,2\n" + odd + "\n3,4\n", part) is None
