"""What Glue's catalog answers, and what the run makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from etl.catalog import CUSTOMER_METRICS, DAILY_SALES, SALES, GlueCatalog
from etl.errors import CatalogError
from etl.state import LakeState
from etl.storage import LocalStorage

STATE = LakeState(sales={"2024-01": "silver/sales/run=r.1/order_month=2024-01/part-0.parquet"})
ALREADY = {"ErrorDetail": {"ErrorCode": "AlreadyExistsException"}, "PartitionValues": ["2024-01"]}
REFUSED = {"ErrorDetail": {"ErrorCode": "InternalServiceException"}, "PartitionValues": ["2024-01"]}


@dataclass
class Answers:
    """A catalog whose answers are given by operation; it notes what was asked."""

    given: Mapping[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __call__(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        self.asked.append((operation, arguments))
        answer = self.given.get(operation, {"get_partitions": {"Partitions": []}}.get(operation, {}))
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": ""}}, operation)
        return answer

    def changes(self) -> list[tuple[str, str]]:
        reads = ("get_table", "get_partitions")
        return [(o, a.get("TableName") or a["TableInput"]["Name"]) for o, a in self.asked if o not in reads]


def sync(folder: Path, **given: Any) -> Answers:
    answers = Answers(given)
    GlueCatalog("lake", answers).sync(LocalStorage(folder), STATE, [])
    return answers


def table(*columns: tuple[str, str]) -> dict[str, Any]:
    listed = [{"Name": name, "Type": kind} for name, kind in columns]
    return {"Table": {"StorageDescriptor": {"Columns": listed}}}


def partition(folder: Path, columns: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    where = f"{folder}/silver/sales/run=r.1/order_month=2024-01/"
    listed = [{"Name": name, "Type": kind} for name, kind in columns]
    return {
        "Partitions": [{"Values": ["2024-01"], "StorageDescriptor": {"Location": where, "Columns": listed}}]
    }


NONE = "EntityNotFoundException"


def test_a_partition_that_was_not_created_fails_the_run(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"1 partition.* of sales were not created.*InternalService"):
        sync(tmp_path, get_table=NONE, batch_create_partition={"Errors": [ALREADY, REFUSED]})


def test_a_partition_or_a_table_that_another_run_made_is_made(tmp_path: Path) -> None:
    answers = sync(
        tmp_path,
        get_table=NONE,
        create_table="AlreadyExistsException",
        batch_create_partition={"Errors": [ALREADY]},
    )
    assert ("create_table", "customer_metrics") in answers.changes()


def test_a_table_that_cannot_be_made_fails_the_run(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        sync(tmp_path, get_table=NONE, create_table="AccessDeniedException")


def test_a_table_that_lacks_a_column_or_has_it_of_another_type_is_updated(tmp_path: Path) -> None:
    name, kind = SALES[-1]
    for columns in (SALES[:-1], (*SALES[:-1], (name, "int"))):
        answers = sync(tmp_path, get_table=table(*columns), get_partitions=partition(tmp_path, columns))
        assert ("update_table", "sales") in answers.changes()
        assert ("update_partition", "sales") in answers.changes()
        updated = next(a["TableInput"] for o, a in answers.asked if o == "update_table")
        assert updated["StorageDescriptor"]["Columns"][-1] == {"Name": name, "Type": kind}


def test_a_catalog_that_says_it_all_is_left_alone(tmp_path: Path) -> None:
    columns = (("found_by_the_crawler", "string"), *SALES, *DAILY_SALES)
    everything = table(*columns, *CUSTOMER_METRICS)
    answers = sync(tmp_path, get_table=everything, get_partitions=partition(tmp_path, columns))
    assert answers.changes() == []
