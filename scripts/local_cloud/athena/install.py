"""Puts the real Athena in the place of the engine's."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from scripts.local_cloud import seams
from scripts.local_cloud.athena import executions, workgroups
from scripts.local_cloud.glue_protocol import Response, ServiceError, action_of, refusal

ACTIONS: dict[str, Callable[[Mapping[str, Any]], Response]] = {
    "StartQueryExecution": executions.start,
    "StopQueryExecution": executions.stop,
    "GetQueryResults": executions.get_results,
    "GetWorkGroup": workgroups.get_workgroup,
}


def install() -> None:
    """Answer the query actions ourselves, all others by the engine."""
    from ministack.services import athena, glue, s3

    seams.require_engine_version()
    original = seams.function_at(
        athena, "handle_request", "method", "path", "headers", "body", "query_params"
    )
    for name in ("_ensure_default_workgroup", "_ensure_default_data_catalog"):
        seams.function_at(athena, name)
    for module, name in (
        (athena, "_executions"),
        (athena, "_workgroups"),
        (glue, "_tables"),
        (glue, "_partitions"),
    ):
        seams.value_at(module, name, object)
    seams.function_at(s3, "_get_object_data", "bucket_name", "key", "version_id")
    seams.function_at(s3, "_put_object", "bucket_name", "key", "body", "headers")

    async def handle(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Response:
        action = ACTIONS.get(action_of(headers))
        if action is None:
            answer: Response = await original(method, path, headers, body, query_params)
            return answer
        athena._ensure_default_workgroup()
        athena._ensure_default_data_catalog()
        return await asyncio.to_thread(_answer, action, json.loads(body or b"{}"))

    athena.handle_request = handle


def _answer(action: Callable[[Mapping[str, Any]], Response], request: Mapping[str, Any]) -> Response:
    try:
        return action(request)
    except ServiceError as error:
        return refusal(error)
