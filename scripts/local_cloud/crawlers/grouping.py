"""Which files make which table: the crawler's decision, from a tree of folders and the schemas in it.

https://docs.aws.amazon.com/glue/latest/dg/crawler-s3-folder-table-partition.html
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from scripts.local_cloud.crawlers.schema import Schema, alike
from scripts.local_cloud.glue_store import StoredObject


@dataclass(frozen=True, slots=True)
class Classified:
    item: StoredObject
    schema: Schema


@dataclass
class Folder:
    path: str
    files: list[Classified] = field(default_factory=list)
    folders: dict[str, "Folder"] = field(default_factory=dict)

    def everything(self) -> Iterator[Classified]:
        yield from self.files
        for folder in self.folders.values():
            yield from folder.everything()


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table of one file, or of a folder whose sub-folders are its partitions."""

    name: str
    location: str
    keys: tuple[str, ...]
    files: tuple[Classified, ...]
    partitions: dict[tuple[str, ...], str]


def find_tables(
    bucket: str, prefix: str, files: Sequence[Classified], level: int | None = None
) -> list[FoundTable]:
    """The tables below `prefix`; `level` is TableLevelConfiguration, the depth of tables (bucket is 1)."""
    root = _tree(prefix, files)
    folders = [root] if level is None else list(_at_level(root, level - 1))
    return [table for folder in folders for table in _tables(bucket, folder, forced=level is not None)]


def _tree(prefix: str, files: Sequence[Classified]) -> Folder:
    root = Folder(prefix)
    for file in files:
        folder = root
        for part in file.item.key[len(prefix) :].split("/")[:-1]:
            folder = folder.folders.setdefault(part, Folder(f"{folder.path}{part}/"))
        folder.files.append(file)
    return root


def _at_level(folder: Folder, depth: int) -> Iterator[Folder]:
    if folder.path.count("/") >= depth:
        yield folder
    else:
        for child in folder.folders.values():
            yield from _at_level(child, depth)


def _tables(bucket: str, folder: Folder, forced: bool) -> Iterator[FoundTable]:
    members = list(folder.everything())
    if not members:
        return
    if forced or (
        _same_depth(folder, members) and all(alike(members[0].schema, one.schema) for one in members)
    ):
        yield _folder_table(bucket, folder, members)
        return
    if (
        folder.files
        and all(alike(folder.files[0].schema, one.schema) for one in folder.files)
        and not folder.folders
    ):
        yield _folder_table(bucket, folder, folder.files)
    else:
        yield from (_file_table(file) for file in folder.files)
    for child in folder.folders.values():
        yield from _tables(bucket, child, forced=False)


def _same_depth(folder: Folder, members: Sequence[Classified]) -> bool:
    return len({one.item.key[len(folder.path) :].count("/") for one in members}) == 1


def _folder_table(bucket: str, folder: Folder, members: Sequence[Classified]) -> FoundTable:
    partitions: dict[tuple[str, ...], str] = {}
    keys: tuple[str, ...] = ()
    for one in members:
        parts = one.item.key[len(folder.path) :].split("/")[:-1]
        keys = tuple(_key_name(part, number) for number, part in enumerate(parts))
        if parts:
            values = tuple(_unquoted(part.partition("=")[2]) if "=" in part else part for part in parts)
            partitions[values] = f"s3://{bucket}/{folder.path}{'/'.join(parts)}/"
    name = folder.path.rstrip("/").rpartition("/")[2] or bucket
    return FoundTable(_table_name(name), f"s3://{bucket}/{folder.path}", keys, tuple(members), partitions)


def _key_name(part: str, number: int) -> str:
    return part.partition("=")[0].lower() if "=" in part else f"partition_{number}"


def _unquoted(text: str) -> str:
    from urllib.parse import unquote

    return unquote(text)


def _file_table(file: Classified) -> FoundTable:
    return FoundTable(_table_name(file.item.name), file.item.uri, (), (file,), {})


def _table_name(text: str) -> str:
    return re.sub(r"[^a-z0-9_]", "_", text.lower())
