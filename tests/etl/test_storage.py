"""A local lake: a file is renamed into its place, whatever of its way there is not there yet."""

from pathlib import Path

import pytest

from etl.errors import LakeBusyError
from etl.storage import Guarded, LocalStorage

KEY = "daily_sales/order_date=2024-01-15/data.parquet"


def made(folder: Path, content: bytes) -> Path:
    path = folder / "made"
    path.write_bytes(content)
    return path


def test_a_file_comes_into_a_new_folder_and_over_an_old_file(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "lake")
    for content in (b"first", b"second"):
        path = made(tmp_path, content)
        storage.put(KEY, path, "daily_sales")
        assert storage.read(KEY) == content
        assert not path.exists()


def test_a_file_that_is_not_there_is_never_taken_for_put(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "lake")
    with pytest.raises(FileNotFoundError):
        storage.put(KEY, tmp_path / "never made", "daily_sales")
    assert storage.read(KEY) is None


def test_a_guarded_file_replaces_only_what_was_listed(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path / "lake")
    Guarded(storage, {}).put(KEY, made(tmp_path, b"first"), "daily_sales")
    with pytest.raises(LakeBusyError):
        Guarded(storage, {}).put(KEY, made(tmp_path, b"stale"), "daily_sales")
    Guarded(storage, storage.tags("daily_sales")).put(KEY, made(tmp_path, b"second"), "daily_sales")
    assert storage.read(KEY) == b"second"
