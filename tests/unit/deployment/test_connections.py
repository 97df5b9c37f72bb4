"""Which functions hold a second connection: those whose use case reaches the payment gateway."""

import ast
import functools
from pathlib import Path
from typing import Any

from chalicelib import bootstrap
from chalicelib.config import Settings
from scripts.deployment.functions import FUNCTIONS

HANDLERS = Path(bootstrap.__file__).parent / "handlers"


def reaches(found: Any, wanted: object, depth: int = 6) -> bool:
    """Whether the wanted object is bound into a use case, at any depth."""
    if found is wanted:
        return True
    if depth == 0 or isinstance(
        found, bootstrap.Adapters
    ):  # who closes over all of them need not use this one
        return False
    inner: list[Any] = [*getattr(found, "__dict__", {}).values(), getattr(found, "__self__", None)]
    if isinstance(found, functools.partial):
        inner += [found.func, *found.args, *found.keywords.values()]
    inner += [cell.cell_contents for cell in getattr(found, "__closure__", None) or ()]
    return any(reaches(one, wanted, depth - 1) for one in inner if one is not None)


def use_cases() -> dict[str, set[str]]:
    """The use cases that each function's handler calls, by the name of the function."""
    found: dict[str, set[str]] = {}
    for file in HANDLERS.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            named = [
                word for call in node.decorator_list if isinstance(call, ast.Call) for word in call.keywords
            ]
            names = [w.value.value for w in named if w.arg == "name" and isinstance(w.value, ast.Constant)]
            called = {
                one.attr
                for one in ast.walk(node)
                if isinstance(one, ast.Attribute) and ast.unparse(one.value) == "services()"
            }
            found.update(dict.fromkeys(map(str, names), called))
    return found


def test_function_that_reaches_the_gateway_holds_two_connections() -> None:
    gateway = object()
    others = dict.fromkeys(("uow", "database", "bus", "notifier", "executions", "lake", "clock", "ids"))
    services = bootstrap.build(Settings(), bootstrap.Adapters(gateway=gateway, **others))  # type: ignore[arg-type]
    paying = {name for name in vars(services) if reaches(getattr(services, name), gateway)}
    assert {"validate_payment", "process_order", "sweep_orders", "resume_or_compensate"} <= paying
    expected = {name for name, called in use_cases().items() if called & paying}
    assert {name for name, one in FUNCTIONS.items() if one.connections == 2} == expected
    assert not paying & {"place_order", "cancel_order", "check_health", "relay_outbox"}, "the API holds one"
