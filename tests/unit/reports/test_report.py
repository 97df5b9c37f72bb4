"""The report's two steps: every order is accounted for, and the sums are exact."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import ThrottledError
from chalicelib.services.reports.model import DayTotals, ReportInputError
from chalicelib.services.reports.parts import PartWriter
from chalicelib.services.reports.report import change, share
from tests.unit.reports.builders import DAY, Desk, FakeObjects, an_order, refused

BEFORE, WEEK = DAY - timedelta(days=1), DAY - timedelta(days=7)


def test_every_order_is_kept_left_out_or_rejected() -> None:
    desk = Desk(
        an_order("ORD-1"), an_order("ORD-2", status="refunded"), refused("ORD-3"), refused("ORD-4", "placed"),
        an_order("ORD-5", total=1), an_order("ORD-6", currency="EUR"), an_order("ORD-7", lines=[]),
    )  # fmt: skip
    cleaned = desk.reports.clean(desk.step(source="demo.run"))
    assert (cleaned["read"], cleaned["kept"], cleaned["leftOut"], cleaned["rejected"]) == (7, 2, 2, 3)
    account = desk.report()["account"]
    assert account["leftOut"] == {"declined": 1, "placed": 1}
    assert account["rejected"] == {
        "lines do not add up to the total": 1, "in EUR, not USD": 1, "has no lines": 1,
    }  # fmt: skip
    assert {"orderId": "ORD-5", "reason": "lines do not add up to the total"} in account["examples"]


def test_a_refunded_order_is_in_the_refunds_and_in_no_revenue() -> None:
    report = Desk(an_order("ORD-1"), an_order("ORD-2", status="refunded")).report()
    assert report["totals"]["revenue"] == "157.97"
    assert report["refunds"] == {
        "orders": 1, "amount": "157.97", "shareOfOrders": "50.0",
        "largest": [{"orderId": "ORD-2", "amount": "157.97"}],
    }  # fmt: skip


def test_sums_by_region_product_and_customer() -> None:
    cable = [("P-2", "Cable", 3, 2397)]
    report = Desk(
        an_order("ORD-1"), an_order("ORD-2", region=None, customer_id="C-2", lines=cable), an_order("ORD-3")
    ).report()
    assert [(one["region"], one["revenue"], one["orders"]) for one in report["regions"]] == [
        ("north", "315.94", 2),
        ("unknown", "23.97", 1),
    ]
    assert [(one["product"], one["revenue"], one["units"]) for one in report["products"]] == [
        ("Widget", "299.96", 4),
        ("Cable", "39.95", 5),
    ]
    assert [(one["customerId"], one["orders"]) for one in report["topCustomers"]] == [("C-1", 2), ("C-2", 1)]
    assert (report["totals"]["revenue"], report["totals"]["averageOrder"]) == ("339.91", "113.30")


def test_the_day_is_compared_with_the_day_and_the_week_before() -> None:
    totals = {BEFORE: DayTotals(BEFORE, orders=2, revenue=10_000), WEEK: DayTotals(WEEK)}
    report = Desk(an_order(), totals=totals).report()
    assert report["comparison"]["dayBefore"]["change"]["revenue"] == "58.0"
    assert report["comparison"]["dayBefore"]["change"]["orders"] == "-50.0"
    assert report["comparison"]["weekBefore"]["change"]["revenue"] is None
    assert report["comparison"]["weekBefore"]["date"] == "2026-11-13"
    assert [one["date"] for one in report["history"]][-1] == "2026-11-20"
    assert len(report["history"]) == 8


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [("110.00", "100.00", "10.0"), ("100.05", "100.00", "0.1"), (1, 3, "-66.7"), ("1.00", "0.00", None),
     ("99.99", "100.00", "0.0"), (0, 5, "-100.0")],
)  # fmt: skip
def test_a_change_is_rounded_half_up_to_one_digit(
    now: str | int, before: str | int, expected: str | None
) -> None:
    assert change(now, before) == expected


def test_a_share_of_nothing_is_nothing() -> None:
    assert share(0, 0) == "0.0"


@settings(max_examples=40, deadline=None)  # a loaded machine is no counterexample
@given(st.lists(st.lists(st.integers(0, 10**9), min_size=1, max_size=4), max_size=12), st.data())
def test_regions_products_and_hours_add_up_to_the_cent(orders: list[list[int]], data: st.DataObject) -> None:
    made = [
        an_order(
            f"ORD-{number}",
            region=data.draw(st.sampled_from(["north", "south", None])),
            status=data.draw(st.sampled_from(["completed", "refunded", "failed"])),
            lines=[(f"P-{at % 3}", "Thing", 1, amount) for at, amount in enumerate(amounts)],
        )
        for number, amounts in enumerate(orders)
    ]
    desk = Desk(*made)
    cents = sum(one.total for one in made if one.status == "completed")
    report = desk.report()
    for sums in ("regions", "products", "hours"):
        assert sum(int(one["revenue"].replace(".", "")) for one in report[sums]) == cents
    assert int(report["totals"]["revenue"].replace(".", "")) == cents
    account = report["account"]
    assert account["read"] == account["kept"] + sum(account["leftOut"].values())


def test_the_state_stays_small_however_many_orders_there_are() -> None:
    desk = Desk(*(an_order(f"ORD-{number:05}") for number in range(12_000)))
    state = desk.summarized(source="demo.run")
    assert len(str(state)) < 2_000
    assert state["clean"]["parts"] == 3
    assert state["summary"]["orders"] == 12_000


def test_a_part_never_cuts_an_order_in_two() -> None:
    objects = FakeObjects()
    writer = PartWriter(objects, "p/", lines=3)
    for order in range(4):
        writer.add({"order": order}, {"order": order})
    assert writer.close() == ["p/part-00000.jsonl", "p/part-00001.jsonl"]
    assert [body.count(b"\n") for body in objects.bodies.values()] == [4, 4]


def test_the_same_step_again_writes_the_same_objects() -> None:
    desk = Desk(an_order("ORD-1"), refused("ORD-2"))
    state = desk.summarized()
    first = dict(desk.objects.bodies)
    assert desk.summarized() == state
    assert desk.objects.bodies == first


def test_without_a_date_the_day_is_that_of_the_executions_start() -> None:
    desk = Desk()
    assert desk.reports.clean(desk.step(source="demo.run"))["date"] == "2026-11-20"
    assert desk.reports.clean(desk.step(date="2026-02-28"))["date"] == "2026-02-28"
    late = {**desk.step(), "startedAt": "2026-11-20T23:30:00-05:00"}
    assert desk.reports.clean(late)["date"] == "2026-11-21"


@pytest.mark.parametrize("asked", ["yesterday", "2026-02-30", 20261120, ["2026-11-20"]])
def test_a_date_that_is_none_is_named(asked: object) -> None:
    desk = Desk()
    with pytest.raises(ReportInputError, match="is not of the form YYYY-MM-DD"):
        desk.reports.clean(desk.step(date=asked))


def test_a_step_without_its_input_says_so() -> None:
    desk = Desk()
    with pytest.raises(ReportInputError, match="startedAt"):
        desk.reports.clean({"source": "demo.run"})
    with pytest.raises(ReportInputError, match="no result of 'clean'"):
        desk.reports.summarize(desk.step())


def test_fail_summary_fails_as_an_overloaded_service_would_every_time() -> None:
    desk = Desk(an_order())
    state = {"fail_summary": True, "clean": desk.reports.clean(desk.step(fail_summary=True))}
    for _ in range(3):
        with pytest.raises(ThrottledError, match="fail_summary"):
            desk.reports.summarize(desk.step(**state))
    assert not [key for key in desk.objects.bodies if key.startswith("reports/")]
    assert desk.reports.summarize(desk.step(**{**state, "fail_summary": False}))["outcome"] == "summarized"


def test_the_nightly_report_is_of_the_day_that_ended_and_starts_once() -> None:
    desk = Desk()
    assert desk.reports.start_daily() == {"date": "2026-11-19", "started": True}
    assert desk.reports.start_daily()["started"] is False
    assert desk.workflow.started == {"daily-2026-11-19": {"source": "schedule", "date": "2026-11-19"}}


def test_average_is_rounded_half_up() -> None:
    assert [DayTotals(date(2026, 1, 1), orders=2, revenue=cents).average for cents in (0, 1, 2, 3)] == [
        0, 1, 1, 2,
    ]  # fmt: skip
