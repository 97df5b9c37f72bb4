"""Data sets: what is generated, what cleaning makes of dirt, and that each stands for itself."""

import json
from typing import Any

import pytest

from chalicelib.services.reports.generate_datasets import MOST, OTHERS, grouped
from tests.unit.reports.builders import EXECUTION, Desk, an_order, jsonl, record, refused

RAW = "raw-data/orders/2026-11-20/"


def generated(desk: Desk) -> dict[str, Any]:
    return desk.reports.generate(desk.step())


def cleaned(desk: Desk, *bodies: bytes, name: str = "a.jsonl") -> dict[str, Any]:
    """What cleaning says of the first file of the day."""
    for number, body in enumerate(bodies):
        desk.raw.put(f"{RAW}{number}-{name}", body, "")
    return desk.reports.clean({"dataset": generated(desk)["files"][0]})


def summarized(desk: Desk, dataset: dict[str, Any]) -> dict[str, Any]:
    """As an item of the Map: cleaned, and summarised unless it was refused."""
    clean = desk.reports.clean({"dataset": dataset})
    if clean["outcome"] != "cleaned":
        return clean
    return desk.reports.summarize({"dataset": dataset, "clean": clean})


def test_regions_of_the_day_are_data_sets_of_what_was_sold() -> None:
    desk = Desk(an_order("ORD-1"), an_order("ORD-2", region="south"), refused(), an_order("ORD-3"))
    regions = generated(desk)["regions"]
    assert [(one["label"], one["kind"]) for one in regions] == [("north", "region"), ("south", "region")]
    north = summarized(desk, regions[0])
    assert (north["orders"], north["lines"], north["revenue"], north["rejected"]) == (2, 4, "315.94", 0)


def test_regions_together_are_the_day() -> None:
    orders = [
        an_order(f"ORD-{n}", region=f"r{n % 4}", status="refunded" if n == 5 else "completed")
        for n in range(9)
    ]
    desk = Desk(*orders)
    results = [summarized(desk, one) for one in generated(desk)["regions"]]
    assert sum(int(one["revenue"].replace(".", "")) for one in results) == 8 * 15797
    assert sum(int(one["refunded"].replace(".", "")) for one in results) == 15797


def test_raw_files_of_the_day_are_data_sets_and_what_is_not_read_is_named() -> None:
    desk = Desk()
    for key in (
        f"{RAW}a.jsonl",
        f"{RAW}b.parquet",
        "raw-data/sales/2026-11-20/c.csv",
        "raw-data/orders/2026-11-19/d.jsonl",
    ):
        desk.raw.put(key, b"", "")
    found = generated(desk)
    assert [one["label"] for one in found["files"]] == ["a.jsonl", "c.csv"]
    assert found["skipped"] == [{"key": f"{RAW}b.parquet", "reason": "read by the ETL only"}]


def test_an_empty_day_has_no_data_sets_and_still_its_summary() -> None:
    desk = Desk()
    state = {"generated": generated(desk), "results": {"regions": [], "files": []}}
    emitted = desk.reports.emit({**desk.step(**state), "workflow": "datasets-workflow"})
    summary = desk.objects.json(emitted["key"])
    assert (summary["status"], summary["totals"]["regions"]["datasets"]) == ("SUCCEEDED", 0)


def test_many_regions_and_files_never_make_more_than_fifty_data_sets_each() -> None:
    desk = Desk(*(an_order(f"ORD-{n:03}", region=f"r{n:03}") for n in range(120)))
    for number in range(173):
        desk.raw.put(f"{RAW}{number:03}.jsonl", jsonl(record(f"ORD-{number}")), "")
    found = generated(desk)
    assert len(found["regions"]) == MOST
    assert found["regions"][-1]["label"] == OTHERS
    assert len(found["files"]) <= MOST
    assert sum(summarized(desk, one)["lines"] for one in found["files"]) == 173
    assert sum(summarized(desk, one)["orders"] for one in found["regions"]) == 120
    assert len(json.dumps(found)) < 32_000


def test_the_joined_results_of_a_full_house_fit_into_a_state() -> None:
    desk = Desk(*(an_order(f"ORD-{n:03}", region=f"region-{n:03}" * 8) for n in range(60)))
    sets = generated(desk)["regions"]
    joined = {"regions": [summarized(desk, one) for one in sets], "files": []}
    assert 2 * len(json.dumps(joined)) < 100_000  # both branches, with room for what is beside them


@pytest.mark.parametrize(("files", "groups"), [(0, 0), (1, 1), (50, 50), (51, 26), (1000, 50)])
def test_files_are_grouped_only_when_there_are_too_many(files: int, groups: int) -> None:
    made = grouped([str(number) for number in range(files)], MOST)
    assert len(made) == groups
    assert [one for group in made for one in group] == [str(number) for number in range(files)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"order_id": ""}, "lacks order_id"),
        ({"product_id": None, "customer_id": None}, "lacks product_id, customer_id"),
        ({"quantity": "two"}, "quantity or amount is no number"),
        ({"quantity": 0}, "quantity or amount is negative"),
        ({"line_amount": "-1.00"}, "quantity or amount is negative"),
        ({"line_amount": "1.001"}, "quantity or amount is no number"),
        ({"line_amount": "1e999999999"}, "quantity or amount is no number"),
        ({"line_amount": float("nan")}, "quantity or amount is no number"),
        ({"line_amount": None, "price": None}, "quantity or amount is no number"),
        ({"currency": "EUR"}, "in EUR, not USD"),
        ({"status": "placed"}, "status 'placed' is no sale"),
    ],
)
def test_a_dirty_record_is_rejected_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    desk = Desk()
    answer = cleaned(desk, jsonl(record(), {**record("ORD-2"), **changes}))
    assert (answer["read"], answer["kept"], answer["rejected"]) == (2, 1, 1)
    assert desk.objects.json(answer["figures"])["reasons"] == {reason: 1}


@pytest.mark.parametrize("line", [b"no json\n", b"[1]\n", b'"text"\n', b"{\n", b'{"a":' * 99_999 + b"\n"])
def test_a_line_that_is_no_record_is_rejected_alone(line: bytes) -> None:
    answer = cleaned(Desk(), line + jsonl(record()))
    assert (answer["read"], answer["kept"], answer["rejected"]) == (2, 1, 1)


def test_money_is_read_exactly_as_it_is_written() -> None:
    desk = Desk()
    body = b'{"order_id": 1, "customer_id": 2, "product_id": 3, "quantity": 3, "price": 0.1}\n'
    desk.raw.put(f"{RAW}a.jsonl", body, "")
    assert summarized(desk, generated(desk)["files"][0])["revenue"] == "0.30"


def test_a_later_version_replaces_all_lines_of_its_order() -> None:
    desk = Desk()
    first = [record("ORD-1", 1), record("ORD-1", 2)]
    refund = [record("ORD-1", line, version=2, status="refunded") for line in (1, 2)]
    desk.raw.put(f"{RAW}a.jsonl", jsonl(*refund, *first), "")
    desk.raw.put(f"{RAW}b.jsonl", jsonl(*first, *refund), "")
    for dataset in generated(desk)["files"]:
        clean = desk.reports.clean({"dataset": dataset})
        assert (clean["read"], clean["kept"], clean["replaced"]) == (4, 2, 2)
        result = desk.reports.summarize({"clean": clean, "dataset": dataset})
        assert (result["revenue"], result["refunded"]) == ("0.00", "20.00")


def test_the_same_line_again_counts_once() -> None:
    answer = cleaned(Desk(), jsonl(record(), record()))
    assert (answer["kept"], answer["replaced"]) == (1, 1)


def test_a_csv_of_the_seed_is_read_line_by_line() -> None:
    desk = Desk()
    text = (
        "order_id,customer_id,product_id,quantity,price,order_date,region\n"
        "1001,C001,P001,2,29.99,2024-01-15,North\n1001,C001,P002,1,10.00,2024-01-15,North\n1002,C002\n"
    )
    desk.raw.put("raw-data/sales/2026-11-20/s.csv", text.encode(), "")
    result = summarized(desk, generated(desk)["files"][0])
    assert (result["orders"], result["lines"], result["revenue"], result["rejected"]) == (1, 2, "69.98", 1)


@pytest.mark.parametrize(
    ("name", "body", "reason"),
    [("x.csv", b"a,b\n1,2\n", "has no column order_id"), ("x.json", b"[1,", "is no JSON"),
     ("x.json", b"[" * 100_000, "is no JSON"),
     ("x.jsonl", b"\xff\xfe\x00", "is not UTF-8")],
)  # fmt: skip
def test_a_file_that_is_not_what_it_says_is_refused_with_its_reason(
    name: str, body: bytes, reason: str
) -> None:
    answer = cleaned(Desk(), body, name=name)
    assert answer == {"outcome": "refused", "dataset": f"0-{name}", "kind": "file", "reason": reason}


def test_one_bad_data_set_leaves_the_others_and_is_named() -> None:
    desk = Desk(an_order("ORD-1"))
    desk.raw.put(f"{RAW}bad.csv", b"no,columns\n", "")
    desk.raw.put(f"{RAW}good.jsonl", jsonl(record()), "")
    found = generated(desk)
    results = {name: [summarized(desk, one) for one in found[name]] for name in ("regions", "files")}
    crashed = {"outcome": "failed", "kind": "region", "dataset": "west", "error": "MemoryError"}
    results["regions"].append(crashed)
    emitted = desk.reports.emit(
        {**desk.step(generated=found, results=results), "workflow": "datasets-workflow"}
    )
    summary = desk.objects.json(emitted["key"])
    assert summary["status"] == "PARTIAL"
    assert summary["wrong"] == [
        {"dataset": "west", "reason": "MemoryError"},
        {"dataset": "bad.csv", "reason": "has no column order_id"},
    ]
    assert summary["totals"]["regions"] == {
        "datasets": 2,
        "failed": 1,
        "lines": 2,
        "rejected": 0,
        "revenue": "157.97",
    }
    assert summary["totals"]["files"]["revenue"] == "10.00"
    [(subject, details)] = desk.alerts.alerts
    assert subject == "datasets-workflow ended with gaps"
    assert details["execution"] == EXECUTION
