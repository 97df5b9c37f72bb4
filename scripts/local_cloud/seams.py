"""Proof that the engine's code is the code that our gap fillers were written against."""

import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

ENGINE_VERSION = "1.5.33"


class SeamError(RuntimeError):
    """The engine is not the one that the gap fillers know; starting it would lie."""


def require_engine_version(installed: str | None = None) -> None:
    """Refuse every MiniStack but the pinned one."""
    found = installed if installed is not None else version("ministack")
    if found != ENGINE_VERSION:
        raise SeamError(
            f"MiniStack {found!r} is installed, the local cloud is written for {ENGINE_VERSION!r}: "
            f"install ministack=={ENGINE_VERSION}, or review scripts/local_cloud/gaps against it"
        )


def function_at(module: Any, name: str, *parameters: str) -> Callable[..., Any]:
    """The engine's function `name`, once its parameters are the expected ones."""
    function = getattr(module, name, None)
    if not callable(function):
        raise SeamError(f"{module.__name__}.{name} is gone: review the gap filler that hooks it")
    found = tuple(inspect.signature(function).parameters)
    if found != parameters:
        raise SeamError(f"{module.__name__}.{name} takes {found!r}, expected {parameters!r}")
    return function  # type: ignore[no-any-return]


def value_at(module: Any, name: str, kind: type | tuple[type, ...]) -> Any:
    """The engine's module attribute `name`, once it is of the expected kind."""
    if not hasattr(module, name):
        raise SeamError(f"{module.__name__}.{name} is gone: review the gap filler that hooks it")
    value = getattr(module, name)
    if not isinstance(value, kind):
        raise SeamError(f"{module.__name__}.{name} is a {type(value).__name__}, expected {kind!r}")
    return value
