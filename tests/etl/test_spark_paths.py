"""What Spark reads natively in S3 is what was looked at: no other key, no other version."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.engines.spark_io import clean_file
from etl.engines.spark_paths import delete_copies, literal
from etl.manifest import SourceFile
from etl.schemas import CUSTOMERS
from tests.etl.builders import BUCKET

FILE = b"customer_id,name\nC1,Ann\n"


@pytest.mark.parametrize("key", ["raw-data/r[1].csv", "raw-data/{a,b}*?.csv", "raw-data/plain.csv"])
@pytest.mark.parametrize("named", [True, False])
def test_what_was_looked_at_is_read_under_whatever_key_and_whoever_overwrites_it(
    s3: Any, tmp_path: Path, key: str, named: bool
) -> None:
    version = s3.put_object(Bucket=BUCKET, Key=key, Body=FILE)["VersionId"]
    file = SourceFile(key, "customers", datetime(2024, 2, 1, tzinfo=UTC), BUCKET)
    file = replace(file, version_id=version) if named else file
    found = clean_file(file, CUSTOMERS, tmp_path, local=False)
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"something else")
    assert found is not None
    assert found.is_copy
    copied = re.fullmatch(rf"s3://{BUCKET}/(temp/native/[0-9a-f]+[.]csv)", found.path)
    assert copied is not None
    assert s3.get_object(Bucket=BUCKET, Key=copied[1])["Body"].read() == FILE
    delete_copies([found.path, "s3://no-such-bucket/temp/x"])
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="temp/")


def test_a_dirty_file_is_not_copied(s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="d.csv", Body=FILE + b'C2,"Bob"\n')
    file = SourceFile("d.csv", "customers", datetime(2024, 2, 1, tzinfo=UTC), BUCKET)
    assert clean_file(file, CUSTOMERS, tmp_path, local=False) is None
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="temp/")


@given(st.text(alphabet="ab/[]{}*?\\"))
def test_a_literal_path_has_no_pattern_and_means_the_path(path: str) -> None:
    assert re.sub(r"\\(.)", r"\1", literal(path)) == path
    assert not re.search(r"[][{}*?]", re.sub(r"\\.", "", literal(path)))
