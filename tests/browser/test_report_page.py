"""The report's page in a real browser: it fits a phone and a desk, its charts are there, it can be read."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import DESK, PHONE, Found, look_at
from tests.unit.reports.test_page import PAGES

pytestmark = pytest.mark.browser
READABLE = 4.5  # https://www.w3.org/TR/WCAG21/#contrast-minimum


@pytest.fixture(scope="module", params=PAGES)
def light(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    return look_at(PAGES[request.param](), tmp_path_factory.mktemp("chromium"))


@pytest.fixture(scope="module", params=["full", "rejected"])
def dark(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    return look_at(PAGES[request.param](), tmp_path_factory.mktemp("chromium"), dark=True)


def unreadable(seen: Any) -> list[tuple[str, float]]:
    return [(one["text"], one["contrast"]) for one in seen["texts"] if one["contrast"] < READABLE]


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_is_wider_than_the_window(light: Found, width: str) -> None:
    seen = light.measured[width]
    assert (seen["overflow"], seen["outside"]) == (0, [])
    assert seen["height"] > 400


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_every_chart_has_bars_to_see_and_words_inside_it_that_do_not_cover_each_other(
    light: Found, width: str
) -> None:
    for chart in light.measured[width]["charts"]:
        assert min(chart["size"]) > 30, chart
        assert chart["bars"] >= 1, chart
        assert max(chart["tallest"], chart["longest"]) > 80, chart
        assert chart["texts"] >= 2, chart
        assert (chart["outside"], chart["over"]) == ([], []), chart


def test_page_asks_for_nothing_and_breaks_no_policy_of_its_own(light: Found) -> None:
    assert set(light.asked) - {"/favicon.ico"} == {"/harness.html", "/page.html"}
    assert light.complaints == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_text_can_be_read_by_day(light: Found, width: str) -> None:
    assert not light.measured[width]["dark"]
    assert len(light.measured[width]["texts"]) > 10
    assert unreadable(light.measured[width]) == []


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_text_can_be_read_in_the_dark(dark: Found, width: str) -> None:
    assert dark.measured[width]["dark"]
    assert unreadable(dark.measured[width]) == []


def test_what_is_wrong_would_be_seen(tmp_path: Path) -> None:
    """The harness itself: a table that is too wide, a script, pale text, and a label outside its chart."""
    wide = "<table><tr><th><pre>" + "wide " * 400 + "</pre></th></tr></table>"
    pale = '<p id="pale">hardly there</p><style>#pale{color:#ddd;background:#fff}</style>'
    script = "<script>document.title = 'ran'</script>"
    chart = (
        '<svg viewBox="0 0 100 50"><title>Bad</title><text x="90" y="20">far outside</text>'
        '<text x="85" y="20">and over it</text><rect width="0" height="9"/></svg>'
    )
    page = PAGES["full"]().replace("</main>", f"{wide}{pale}{script}{chart}</main>")
    found = look_at(page, tmp_path)
    phone = found.measured[PHONE]
    assert phone["overflow"] > 0
    assert any(text.startswith("table: wide") for text in phone["outside"])
    assert "hardly there" in [text for text, _ in unreadable(phone)]
    assert any("Content Security Policy" in line for line in found.complaints)
    [bad] = [one for one in phone["charts"] if one["name"] == "Bad"]
    assert (bad["bars"], len(bad["outside"]), len(bad["over"])) == (0, 2, 1)
