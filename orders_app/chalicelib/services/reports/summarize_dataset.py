"""`summarize-report` for one data set: adds it up, keeps the details in S3 and answers the figures."""

from collections.abc import Mapping
from typing import Any

from chalicelib.services.reports.model import ReportInputError
from chalicelib.services.reports.parts import put_json, read_json
from chalicelib.services.reports.report import sum_of
from chalicelib.services.reports.summarize_report import Summarizer, sales
from chalicelib.services.reports.tally import ranked, tally


def summarize_dataset(summarizer: Summarizer, given: Mapping[str, Any]) -> dict[str, Any]:
    """{"outcome": "summarized", "dataset", "kind", "summary", "lines", "orders", "revenue", "rejected"}."""
    cleaned = given.get("clean")
    if not isinstance(cleaned, Mapping):
        raise ReportInputError("the data set was not cleaned")
    figures = read_json(summarizer.objects, cleaned["figures"])
    found = tally(sales(summarizer.objects, figures["parts"]))
    total = sum_of(found.total, summarizer.currency, found.total.revenue)
    key = cleaned["figures"].replace("figures.json", "summary.json").replace("work/", "", 1)
    details = {
        "dataset": cleaned["dataset"],
        "kind": cleaned["kind"],
        "currency": summarizer.currency,
        "total": total,
        "products": [
            {"productId": name, "product": one.label, **sum_of(one, summarizer.currency, found.total.revenue)}
            for name, one in ranked(found.products)
        ],
        "records": {name: figures[name] for name in ("read", "kept", "replaced", "rejected", "reasons")},
    }
    put_json(summarizer.objects, key, details)
    return {
        "outcome": "summarized",
        "dataset": cleaned["dataset"],
        "kind": cleaned["kind"],
        "summary": key,
        "lines": found.lines,
        "orders": total["orders"],
        "revenue": total["revenue"],
        "refunded": total["refunded"],
        "rejected": figures["rejected"],
    }
