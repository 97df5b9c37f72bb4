"""The functions of all rooms: sizes, network and grants as data; one file a room."""

from collections.abc import Mapping

from scripts.deployment.functions import lake, messages, orders, reports
from scripts.deployment.functions.model import Function, Grant

FUNCTIONS: Mapping[str, Function] = {
    **orders.FUNCTIONS,
    **lake.FUNCTIONS,
    **messages.FUNCTIONS,
    **reports.FUNCTIONS,
}

__all__ = ["FUNCTIONS", "Function", "Grant"]
