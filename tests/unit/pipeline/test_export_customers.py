"""Customers reach the raw zone without their addresses, and only who changed."""

import json
from collections.abc import Mapping

from chalicelib.services.pipeline.export_customers import CustomerRow, export_customers
from tests.unit.pipeline.fakes import FakeClock, FakeLog, FakeObjects


class FakeExports:
    def __init__(self, *rows: CustomerRow) -> None:
        self.rows = rows
        self.known: dict[str, str] = {}

    def changed(self, limit: int) -> list[CustomerRow]:
        return [row for row in self.rows if self.known.get(row.customer_id) != row.fingerprint][:limit]

    def exported(self, fingerprints: Mapping[str, str]) -> None:
        self.known |= fingerprints


def row(customer_id: str = "C001", fingerprint: str = "f1") -> CustomerRow:
    return CustomerRow(customer_id, "Jörg Müller", "active", "2026-11-20", fingerprint)


def export(exports: FakeExports, objects: FakeObjects) -> int:
    return export_customers(
        exports=exports, objects=objects, clock=FakeClock(), new_id=lambda: "a1", log=FakeLog()
    )["exported"]


def test_customers_are_written_as_json_lines_of_four_fields() -> None:
    objects = FakeObjects()
    assert export(FakeExports(row()), objects) == 1
    assert {key: json.loads(body) for key, body in objects.stored.items()} == {
        "raw-data/customers/2026/11/20/120000-a1.jsonl": {
            "customer_id": "C001",
            "name": "Jörg Müller",
            "status": "active",
            "registration_date": "2026-11-20",
        }
    }


def test_who_did_not_change_is_not_exported_again() -> None:
    exports, objects = FakeExports(row()), FakeObjects()
    export(exports, objects)
    assert export(exports, objects) == 0
    exports.rows = (row(fingerprint="f2"),)
    assert export(exports, objects) == 1


def test_nobody_changed_writes_no_file() -> None:
    objects = FakeObjects()
    export(FakeExports(), objects)
    assert objects.stored == {}
