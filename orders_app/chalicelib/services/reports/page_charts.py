"""Charts as inline SVG: no script, no library, colours by the page's style, and each said in words, too."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from chalicelib.services.reports.page_text import short_money, tag

WIDTH = 400
_LEFT, _TOP, _PLOT, _BOTTOM = 46, 22, 150, 40


@dataclass(frozen=True)
class Column:
    """`label` may be empty; `title` is what a pointer shows; `kind` is a class of the style."""

    label: str
    value: Decimal
    title: str
    kind: str = ""
    second_label: str = ""
    shown: str = ""


@dataclass(frozen=True)
class Bar:
    label: str
    value: Decimal
    shown: str


def column_chart(name: str, title: str, summary: str, columns: Sequence[Column], currency: str) -> str:
    """Columns over a scale of round numbers."""
    top = round_up(max(one.value for one in columns))
    step = Decimal(WIDTH - _LEFT) / len(columns)
    drawn = [_gridline(top * part / 2, top, currency) for part in range(3)]
    for number, one in enumerate(columns):
        drawn.append(_column(one, _LEFT + step * number, step, top))
    return _svg(name, title, summary, _TOP + _PLOT + _BOTTOM, drawn)


def bar_chart(name: str, title: str, summary: str, bars: Sequence[Bar]) -> str:
    """One bar under each label: readable on a phone, however long the labels."""
    largest = max((one.value for one in bars), default=Decimal(0)) or Decimal(1)
    drawn = []
    for number, one in enumerate(bars):
        y = 44 * number
        length = max(Decimal(2), WIDTH * one.value / largest) if one.value else Decimal(0)
        label = one.label if len(one.label) <= 26 else one.label[:25] + "…"
        drawn.append(
            tag("text", escape(label), x=0, y=y + 16, class_="name")
            + tag("text", escape(one.shown), x=WIDTH, y=y + 16, class_="value end")
            + tag("rect", x=0, y=y + 23, width=WIDTH, height=10, rx=5, class_="rail")
            + tag("rect", x=0, y=y + 23, width=_px(length), height=10, rx=5, class_="bar")
        )
    return _svg(name, title, summary, 44 * len(bars), drawn)


def round_up(value: Decimal) -> Decimal:
    """The next of 1, 2, 4, 6, 8, 10 times a power of ten; 1 for nothing."""
    if value <= 0:
        return Decimal(1)
    power = Decimal(10) ** value.adjusted()
    return next(step * power for step in (1, 2, 4, 6, 8, 10) if step * power >= value)


def _gridline(value: Decimal, top: Decimal, currency: str) -> str:
    y = _px(_TOP + _PLOT - _PLOT * value / top)
    line = tag("line", x1=_LEFT, x2=WIDTH, y1=y, y2=y, class_="grid" if value else "base")
    return line + tag(
        "text", escape(short_money(value, currency)), x=_LEFT - 6, y=_px(Decimal(y) + 4), class_="axis end"
    )


def _column(one: Column, x: Decimal, step: Decimal, top: Decimal) -> str:
    height = _PLOT * one.value / top
    height = max(height, Decimal(2)) if one.value else height
    middle = _px(x + step / 2)
    y = _TOP + _PLOT - height
    rect = tag(
        "rect", tag("title", escape(one.title)), x=_px(x + step * Decimal("0.14")), y=_px(y),
        width=_px(step * Decimal("0.72")), height=_px(height), rx=3, class_=f"column {one.kind}".strip(),
    )  # fmt: skip
    texts = [
        (one.shown, y - 6, f"value middle {one.kind}".strip()),
        (one.label, Decimal(_TOP + _PLOT + 17), f"axis middle {one.kind}".strip()),
        (one.second_label, Decimal(_TOP + _PLOT + 32), f"axis middle {one.kind}".strip()),
    ]
    return rect + "".join(
        tag("text", escape(text), x=middle, y=_px(at), class_=kind) for text, at, kind in texts if text
    )


def _svg(name: str, title: str, summary: str, height: int, drawn: Sequence[str]) -> str:
    texts = tag("title", escape(title), id=f"{name}-title") + tag("desc", escape(summary), id=f"{name}-text")
    return tag(
        "svg", texts, *drawn, viewBox=f"0 0 {WIDTH} {height}", role="img",
        aria_labelledby=f"{name}-title {name}-text",
    )  # fmt: skip


def _px(value: Decimal | int) -> str:
    return f"{Decimal(value):.1f}"
