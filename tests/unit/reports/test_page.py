"""The page is sound HTML that needs nothing from anywhere, and says in words what its charts show."""

import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from chalicelib.services.reports.model import DayTotals
from chalicelib.services.reports.page_charts import round_up
from chalicelib.services.reports.page_text import change_in_words, long_date, money_text, short_money
from tests.unit.reports.builders import DAY, Desk, an_order, refused

VOID = {"meta", "br", "img", "link", "hr", "input"}
NUMBERS = {"x", "y", "width", "height", "x1", "x2", "y1", "y2", "rx"}


class Soundness(HTMLParser):
    """Reads strictly: every element is closed in order, every id is unique, nothing is loaded."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert len(given) == len(attrs), f"an attribute of {tag} is there twice"
        self.tags.append((tag, given))
        self.ids += [given["id"]] if "id" in given else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> without its start"
        assert self.open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str]]:
        return [given for name, given in self.tags if name == tag]


def full() -> str:
    before, week = DAY - timedelta(days=1), DAY - timedelta(days=7)
    totals = {
        before: DayTotals(before, orders=9, revenue=90_000, units=9, customers=9),
        week: DayTotals(week, orders=1, revenue=100, units=1, customers=1),
    }
    many = [
        an_order(f"ORD-{n}", lines=[(f"P-{n}", f"Thing {n}", 1, 100 + n)], region=f"r{n % 3}")
        for n in range(15)
    ]
    nasty = an_order("ORD-x", region="<script>alert(1)</script>", lines=[("P-x", 'A "quoted" & <b>', 1, 5)])
    return Desk(*many, nasty, an_order("ORD-y", status="refunded"), refused(), totals=totals).page()


PAGES: dict[str, Callable[[], str]] = {
    "full": full,
    "no orders at all": lambda: Desk().page(),
    "orders, none completed": lambda: Desk(refused("ORD-1"), refused("ORD-2", "failed")).page(),
    "rejected": lambda: Desk(an_order(), an_order("ORD-2", total=3)).page(),
    "only a refund": lambda: Desk(an_order(status="refunded")).page(),
}


@pytest.fixture(params=PAGES)
def html(request: pytest.FixtureRequest) -> str:
    return PAGES[request.param]()


def test_every_element_is_closed_and_every_id_is_unique(html: str) -> None:
    page = Soundness(html)
    assert page.open == []
    assert sorted(page.ids) == sorted(set(page.ids))
    assert html.startswith('<!doctype html>\n<html lang="en">')
    assert page.of("meta")[0]["charset"] == "utf-8"


def test_nothing_is_loaded_and_no_script_can_run(html: str) -> None:
    page = Soundness(html)
    assert not {name for name, _ in page.tags} & {"script", "link", "img", "iframe", "object", "embed"}
    for _, given in page.tags:
        assert not {"src", "href", "style", "srcset"} & given.keys()
        assert not any(name.startswith("on") for name in given)
    assert "url(" not in html
    assert "@import" not in html
    policy = next(given for given in page.of("meta") if "http-equiv" in given)
    assert policy["content"].startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_every_chart_has_a_name_a_text_and_finite_shapes(html: str) -> None:
    page = Soundness(html)
    for chart in page.of("svg"):
        assert chart["role"] == "img"
        assert set(chart["aria-labelledby"].split()) <= set(page.ids)
        assert re.fullmatch(r"0 0 \d+ \d+", chart["viewbox"])
    for name, given in page.tags:
        if name in ("rect", "line", "text"):
            values = [float(value) for key, value in given.items() if key in NUMBERS]
            assert all(-50 <= value <= 1000 for value in values), given
            assert not any(value < 0 for key in ("width", "height") if (value := float(given.get(key, 0))))


def test_every_section_is_named_and_every_table_has_heads(html: str) -> None:
    page = Soundness(html)
    assert all(given["aria-labelledby"] in page.ids for given in page.of("section"))
    assert len(page.of("h1")) == 1
    assert all(given["scope"] in ("col", "row") for given in page.of("th"))
    assert len(page.of("caption")) == len(page.of("table"))


def test_page_fits_a_phone_and_follows_light_and_dark(html: str) -> None:
    viewports = [given["content"] for given in Soundness(html).of("meta") if given.get("name") == "viewport"]
    assert viewports == ["width=device-width,initial-scale=1"]
    assert "prefers-color-scheme:dark" in html
    assert "max-width:760px" in html


def test_charts_are_drawn_for_week_hours_regions_and_products() -> None:
    page = Soundness(full())
    assert len(page.of("svg")) == 4
    charts = [given["aria-labelledby"].split("-")[0] for given in page.of("svg")]
    assert charts == ["week", "regions", "hours", "products"]
    assert "5 more" in " ".join(page.words) or "6 more" in " ".join(page.words)


def test_arrows_say_up_and_down_in_words_too() -> None:
    text = " ".join(Soundness(full()).words)
    assert re.search(r"▼\s+down\s+\d", text)
    assert re.search(r"▲\s+up\s+\d", text)


def test_markup_in_the_data_stays_text() -> None:
    html = full()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<b>" not in html.split("</header>")[1]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no orders at all", "No data for this day"),
        ("orders, none completed", "No sales on this day"),
        ("rejected", "1 order left out of every figure"),
        ("only a refund", "No sales on this day"),
    ],
)
def test_page_says_when_there_is_no_data_or_something_is_missing(name: str, words: str) -> None:
    assert words in " ".join(Soundness(PAGES[name]()).words)
    assert words not in " ".join(Soundness(full()).words)


def test_page_of_a_day_that_is_not_over_says_so() -> None:
    assert "The day is not over" in " ".join(Soundness(Desk(an_order()).page()).words)
    assert "The day is not over" not in " ".join(Soundness(Desk().page(date="2026-11-19")).words)


def test_strict_reader_notices_unsound_pages() -> None:
    with pytest.raises(AssertionError):
        Soundness("<p><b></p></b>")
    with pytest.raises(AssertionError):
        Soundness('<p id="a" id="b"></p>')


def test_numbers_and_dates_are_written_for_people() -> None:
    assert money_text("1234567.50", "USD") == "$1,234,567.50"
    assert money_text("-5.00", "EUR") == "−€5.00"
    assert money_text("1500", "KRW") == "KRW\u00a01,500"
    amounts = ("0.00", "999.40", "1250.00", "1000.00", "250000", "3400000")
    assert [short_money(one, "USD") for one in amounts] == ["$0", "$999", "$1.3k", "$1k", "$250k", "$3.4m"]
    assert long_date("2026-11-20") == "Friday, 20 November 2026"
    assert change_in_words("-3.0") == "down 3.0\u00a0% on"
    assert change_in_words(None) == "nothing to compare with on"


@pytest.mark.parametrize(
    ("value", "top"), [("0", 1), ("0.3", "0.4"), ("7", 8), ("61", 80), ("1000", 1000), ("1001", 2000)]
)
def test_scale_ends_at_a_round_number(value: str, top: str | int) -> None:
    from decimal import Decimal

    assert round_up(Decimal(value)) == Decimal(top)
