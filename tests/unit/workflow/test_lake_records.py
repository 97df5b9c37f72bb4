"""Sales events become JSON lines of the raw zone, the same ones every time."""

import json
from typing import Any

import pytest

from chalicelib.services.export_to_lake import export_to_lake
from chalicelib.services.lake_records import files, records


def sale(
    number: int = 1, kind: str = "Order Completed", time: str = "2026-11-20T10:00:00Z"
) -> dict[str, Any]:
    lines = [
        {"lineNumber": 1, "productId": "P-1", "quantity": 2, "unitPrice": "10.00", "lineAmount": "20.00"},
        {"lineNumber": 2, "productId": "P-2", "quantity": 1, "unitPrice": "5.00", "lineAmount": "4.99"},
    ]
    data = {
        "customerId": "CUST-1", "currency": "USD", "region": None, "placedAt": "2026-11-20T00:30:00+02:00",
        "completedAt": time, "total": "24.99", "lines": lines, "orderVersion": 6,
    }  # fmt: skip
    return {"id": f"event-{number}", "type": kind, "time": time, "orderId": f"ORD-{number}", "data": data}


class Bucket:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, key: str, body: bytes, content_type: str) -> None:
        self.objects[key] = body


def test_record_has_every_field_of_the_lake_and_the_utc_date_of_placing() -> None:
    first, second = records(sale())
    assert first == {
        "order_id": "ORD-1", "line_number": 1, "version": 6, "customer_id": "CUST-1", "product_id": "P-1",
        "quantity": 2, "price": "10.00", "line_amount": "20.00", "order_date": "2026-11-19", "region": None,
        "status": "completed", "currency": "USD",
    }  # fmt: skip
    assert (second["line_number"], second["line_amount"]) == (2, "4.99")


def test_refund_repeats_every_line_as_refunded() -> None:
    assert [record["status"] for record in records(sale(kind="Order Refunded"))] == ["refunded"] * 2


def test_one_batch_is_one_file_of_its_day() -> None:
    [(key, body)] = files([sale(1), sale(2)])
    assert key.startswith("raw-data/orders/2026-11-20/")
    assert key.endswith(".jsonl")
    assert [json.loads(line)["order_id"] for line in body.splitlines()] == [
        "ORD-1",
        "ORD-1",
        "ORD-2",
        "ORD-2",
    ]


def test_same_events_make_the_same_file_in_any_order_and_any_number() -> None:
    assert list(files([sale(2), sale(1), sale(2)])) == list(files([sale(1), sale(2)]))


def test_days_are_files_of_their_own() -> None:
    assert len(list(files([sale(1), sale(2, time="2026-11-21T00:00:00Z")]))) == 2


def test_events_that_are_no_sales_write_nothing() -> None:
    bucket = Bucket()
    assert export_to_lake([{**sale(), "type": "Order Placed"}], bucket) == 0
    assert bucket.objects == {}


def test_sale_that_cannot_be_read_is_refused_before_anything_is_written() -> None:
    bad = sale(2)
    del bad["data"]["lines"][1]["lineAmount"]
    bucket = Bucket()
    with pytest.raises(ValueError, match="sale 'event-2' lacks 'lineAmount'"):
        export_to_lake([sale(1), bad], bucket)
    assert bucket.objects == {}
