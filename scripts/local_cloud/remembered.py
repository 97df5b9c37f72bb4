"""Answers of the engine's pure functions are kept: an order asks fifty times what the same few texts mean.

Only functions of one text, an ARN or a path, whose answer nobody changes; what they refuse is never kept.
"""

import functools
from collections.abc import Callable
from typing import Any

from scripts.local_cloud.seams import function_at

_KEPT = 4096


def install() -> None:
    """Before the services are imported: they take `parse_arn` by name."""
    from ministack.core import arn

    arn.parse_arn = remembering(function_at(arn, "parse_arn", "value"))
    from ministack.services import lambda_svc
    from ministack.services import stepfunctions as sfn

    for module, name, parameter in (
        (lambda_svc, "_lambda_function_name_and_qualifier_from_arn", "value"),
        (lambda_svc, "_lambda_function_account_region_from_arn", "value"),
        (sfn, "_parse_jsonpath_tokens", "path"),
    ):
        setattr(module, name, remembering(function_at(module, name, parameter)))


def remembering(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same answers; those to texts are worked out once."""
    kept = functools.lru_cache(_KEPT)(function)

    @functools.wraps(function)
    def ask(text: Any) -> Any:
        return kept(text) if isinstance(text, str) else function(text)

    return ask
