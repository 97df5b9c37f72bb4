"""The report as one page of HTML that needs nothing else: no script, no font, no picture from anywhere."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

from chalicelib.services.reports.page_charts import Bar, Column, bar_chart, column_chart
from chalicelib.services.reports.page_style import STYLE
from chalicelib.services.reports.page_text import (
    change_in_words,
    count,
    long_date,
    money_text,
    percent,
    short_date,
    short_money,
    table,
    tag,
)

SHOWN = 10
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
CARDS = (  # key, label, whether it is money, whether more is better (None: neither)
    ("orders", "Completed orders", False, True),
    ("averageOrder", "Average order", True, True),
    ("units", "Units sold", False, True),
    ("customers", "Customers", False, True),
    ("refunded", "Refunded", True, False),
)
Report = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


def page(report: Report) -> str:
    """Complete HTML of a report made by `make_report`."""
    title = f"Sales of {report['date']}"
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)} · {escape(report['stage'])}</title><style>{STYLE}</style>"
    )
    sections = _nothing(report) or (
        tag("div", _week(report), _regions(report), _customers(report))
        + tag("div", _hours(report), _products(report), _refunds(report))
    )
    main = _cards(report) + tag("div", sections, _account(report), class_="grid")
    body = _header(report) + tag("main", main) + _footer(report)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{body}</body></html>\n'


def _header(report: Report) -> str:
    totals, before = report["totals"], report["comparison"]["dayBefore"]
    kicker = f"Sales report · {report['stage']} · {report['currency']}"
    change = before["change"]["revenue"]
    trend = f"; revenue {escape(change_in_words(change))} the day before" if change is not None else ""
    lede = (
        f"<b>{escape(count(totals['orders'], 'completed order'))}</b> from "
        f"<b>{escape(count(totals['customers'], 'customer'))}</b>{trend}. All times are UTC."
    )
    if not report["dayIsOver"]:
        lede += " <b>The day is not over:</b> its figures so far stand beside those of whole days."
    return tag(
        "header",
        tag("p", escape(kicker), class_="kicker"),
        tag("h1", escape(long_date(report["date"]))),
        tag("p", lede, class_="lede"),
        _notice(report),
    )


def _notice(report: Report) -> str:
    """What a reader must know before believing the figures."""
    rejected = sum(report["account"]["rejected"].values())
    if not report["account"]["read"]:
        text = "Nobody placed an order on this UTC day, so there is nothing to add up."
        return tag("p", tag("strong", "No data for this day"), text, class_="notice", role="status")
    if rejected:
        heading = f"{count(rejected, 'order')} left out of every figure"
        text = "What does not add up about it is at the end of the page."
        return tag("p", tag("strong", escape(heading)), text, class_="notice", role="status")
    if not report["totals"]["orders"]:
        read = count(report["account"]["read"], "order was", "orders were")
        text = f"{read} placed, and none is completed and kept."
        return tag("p", tag("strong", "No sales on this day"), escape(text), class_="notice", role="status")
    return ""


def _cards(report: Report) -> str:
    lead = tag(
        "li",
        tag("div", tag("span", "Revenue", class_="label"), _number(report, "revenue", True)),
        _deltas(report, "revenue", True, True),
        class_="card lead",
    )
    others = (
        tag(
            "li",
            tag("span", label, class_="label"),
            _number(report, key, is_money),
            _deltas(report, key, is_money, better),
            class_="card",
        )
        for key, label, is_money, better in CARDS
    )
    return tag("h2", "Key figures", class_="hidden") + tag("ul", lead, *others, class_="cards")


def _number(report: Report, key: str, is_money: bool) -> str:
    return tag("strong", escape(_value(report["totals"][key], is_money, report["currency"])), class_="number")


def _value(value: Any, is_money: bool, currency: str) -> str:
    return money_text(value, currency) if is_money else count(value)


def _deltas(report: Report, key: str, is_money: bool, better: bool) -> str:
    items = (
        _delta(report["comparison"][name], key, is_money, better, words, report["currency"])
        for name, words in (("dayBefore", "day before"), ("weekBefore", "week before"))
    )
    return tag("ul", *items, class_="deltas")


def _delta(
    other: Mapping[str, Any], key: str, is_money: bool, better: bool, words: str, currency: str
) -> str:
    """An arrow for the eye, `up` or `down` for the ear, a colour for whether that is good."""
    change = other["change"][key]
    was = f"{words}: {_value(other[key], is_money, currency)}"
    if change is None:
        arrow = tag("span", "–", tag("span", "no comparison,", class_="hidden"), class_="delta")
    elif Decimal(change) == 0:
        arrow = tag("span", "= same", tag("span", ",", class_="hidden"), class_="delta")
    else:
        up = Decimal(change) > 0
        sign = tag("span", "▲ " if up else "▼ ", aria_hidden="true")
        said = tag("span", "up " if up else "down ", class_="hidden")
        kind = "good" if up == better else "bad"
        arrow = tag("span", sign, said, escape(percent(change)), class_=f"delta {kind}")
    return tag("li", arrow, tag("span", escape(was)))


def _nothing(report: Report) -> str:
    if any(one["orders"] for one in report["history"]):
        return ""
    text = "No sales on this day, nor on any of the seven days before it."
    return _section("sales", "Sales", "", tag("p", text, class_="empty"), wide=True)


def _week(report: Report) -> str:
    history, currency = report["history"], report["currency"]
    compared = {report["comparison"][name]["date"] for name in ("dayBefore", "weekBefore")}
    columns = [
        Column(
            label=short_date(one["date"])[:3],
            second_label=short_date(one["date"])[4:]
            if one in (history[0], history[-1])
            else one["date"][8:].lstrip("0"),
            value=Decimal(one["revenue"]),
            title=f"{short_date(one['date'])}: {money_text(one['revenue'], currency)}",
            kind="now" if one["date"] == report["date"] else "then" if one["date"] in compared else "",
            shown=short_money(one["revenue"], currency) if Decimal(one["revenue"]) else "0",
        )
        for one in history
    ]
    best = max(history, key=lambda one: Decimal(one["revenue"]))
    summary = (
        f"Revenue of the eight days to {short_date(report['date'])}. The best was "
        f"{short_date(best['date'])} with {money_text(best['revenue'], currency)}."
    )
    key = tag(
        "ul",
        tag("li", tag("i", class_="now"), "this day"),
        tag("li", tag("i", class_="then"), "day before and week before"),
        class_="key",
        aria_hidden="true",
    )
    rows = [
        (
            short_date(one["date"]), money_text(one["revenue"], currency), count(one["orders"]),
            money_text(one["averageOrder"], currency), money_text(one["refunded"], currency),
        )
        for one in reversed(history)
    ]  # fmt: skip
    heads = ("Day", "Revenue", "Orders", "Average", "Refunded")
    chart = column_chart("week", "Revenue by day", summary, columns, currency)
    return _figure("week", "The last eight days", summary, chart + key, table("Revenue by day", heads, rows))


def _hours(report: Report) -> str:
    currency, hours = report["currency"], report["hours"]
    if not report["totals"]["orders"]:
        return _empty("hours", "By hour")
    best = max(hours, key=lambda one: Decimal(one["revenue"]))
    summary = (
        f"Revenue by the hour of placing, UTC. The strongest was {best['hour']:02}:00 with "
        f"{money_text(best['revenue'], currency)}."
    )
    columns = [
        Column(
            label=f"{one['hour']:02}" if one["hour"] % 3 == 0 else "",
            value=Decimal(one["revenue"]),
            title=f"{one['hour']:02}:00: {money_text(one['revenue'], currency)}",
            kind="now" if one is best else "then",
        )
        for one in hours
    ]
    rows = [
        (f"{one['hour']:02}:00", money_text(one["revenue"], currency), count(one["orders"]))
        for one in hours
        if one["orders"]
    ]
    chart = column_chart("hours", "Revenue by hour", summary, columns, currency)
    return _figure("hours", "By hour", summary, chart, table("By hour", ("Hour", "Revenue", "Orders"), rows))


def _regions(report: Report) -> str:
    return _ranking(report, "regions", "By region", "Region", lambda one: str(one["region"]))


def _products(report: Report) -> str:
    return _ranking(report, "products", "By product", "Product", lambda one: str(one["product"]))


def _ranking(report: Report, key: str, title: str, head: str, label: Any) -> str:
    currency = report["currency"]
    sold = [one for one in report[key] if one["orders"]]
    if not sold:
        return _empty(key, title)
    bars = [
        Bar(
            label(one),
            Decimal(one["revenue"]),
            f"{money_text(one['revenue'], currency)} · {percent(one['share'])}",
        )
        for one in sold[:SHOWN]
    ]
    rest = sold[SHOWN:]
    if rest:
        amount = sum((Decimal(one["revenue"]) for one in rest), Decimal(0))
        bars.append(Bar(f"{len(rest)} more", amount, money_text(str(amount), currency)))
    first = sold[0]
    summary = f"{label(first)} leads with {percent(first['share'])} of the revenue."
    heads = (head, "Revenue", "Share", "Orders", "Units", "Refunded")
    rows = [
        (
            label(one), money_text(one["revenue"], currency), percent(one["share"]), count(one["orders"]),
            count(one["units"]), money_text(one["refunded"], currency),
        )
        for one in report[key][:100]
    ]  # fmt: skip
    return _figure(key, title, summary, bar_chart(key, title, summary, bars), table(title, heads, rows))


def _customers(report: Report) -> str:
    customers, currency = report["topCustomers"], report["currency"]
    if not customers:
        return _empty("customers", "Top customers")
    rows = [
        (
            one["customerId"], count(one["orders"]), money_text(one["revenue"], currency),
            percent(one["share"]),
        )
        for one in customers[:SHOWN]
    ]  # fmt: skip
    shown = table("Top customers", ("Customer", "Orders", "Revenue", "Share"), rows)
    return _section("customers", "Top customers", "By their ids; names stay in the order system.", shown)


def _refunds(report: Report) -> str:
    refunds, currency = report["refunds"], report["currency"]
    if not refunds["orders"]:
        text = "No order of this day has been refunded."
        return _section("refunds", "Refunds", "", tag("p", text, class_="empty"))
    text = (
        f"{money_text(refunds['amount'], currency)} of {count(refunds['orders'], 'order')}, "
        f"{percent(refunds['shareOfOrders'])} of those that were paid. Not part of the revenue."
    )
    rows = [(one["orderId"], money_text(one["amount"], currency)) for one in refunds["largest"][:SHOWN]]
    return _section("refunds", "Refunds", text, table("Largest refunds", ("Order", "Amount"), rows))


def _account(report: Report) -> str:
    account = report["account"]
    rejected = sum(account["rejected"].values())
    rows = [
        ("Orders placed", count(account["read"])),
        ("Completed", count(report["totals"]["orders"])),
        ("Refunded since", count(report["totals"]["refundedOrders"])),
        *(
            (name.replace("_", " ").capitalize(), count(number))
            for name, number in account["leftOut"].items()
        ),
        *((f"Rejected: {reason}", count(number)) for reason, number in account["rejected"].items()),
    ]
    shown = table("What became of every order", ("Orders", "Number"), rows)
    if account["examples"]:
        examples = [(one["orderId"], one["reason"]) for one in account["examples"]]
        listed = table("Rejected orders", ("Order", "Reason"), examples)
        shown += tag(
            "details", tag("summary", escape(f"Show {count(len(examples), 'rejected order')}")), listed
        )
    text = "Every order that was placed is in exactly one line."
    if rejected:
        text += " Rejected ones are in no figure above."
    return _section("account", "What became of every order", text, shown, wide=True)


def _footer(report: Report) -> str:
    return tag(
        "footer",
        tag(
            "p",
            "Revenue is of orders placed on this UTC day, completed and not refunded since: the same as "
            "<code>daily_sales</code>. Other days are compared as they stand now.",
        ),
        tag("p", escape(f"Made {report['generatedAt']} by {report['execution']}")),
    )


def _figure(name: str, title: str, summary: str, chart: str, listed: str) -> str:
    details = tag("details", tag("summary", "Show as a table"), listed)
    return _section(name, title, summary, tag("figure", chart), details)


def _empty(name: str, title: str) -> str:
    return _section(name, title, "", tag("p", "No sales on this day.", class_="empty"))


def _section(name: str, title: str, text: str, *inside: str, wide: bool = False) -> str:
    heading = tag("h2", escape(title), id=f"{name}-heading")
    told = tag("p", escape(text)) if text else ""
    kind = "wide" if wide else None
    return tag("section", heading, told, *inside, aria_labelledby=f"{name}-heading", class_=kind)
