"""Gap: the gateway has no size or time limit, shows a function's fault to the caller, ignores its policy.

Also, it leaves `$context.path` of an answer as it is: docs.aws.amazon.com/apigateway/latest/developerguide/
api-gateway-mapping-template-reference.html says that it is the request's path, the stage's name before it.

docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html (REQUEST_TOO_LARGE,
INTEGRATION_TIMEOUT, 502 of a failed integration) and …/api-gateway-execution-service-limits-table.html.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

from scripts.local_cloud.gaps import Context, _permissions
from scripts.local_cloud.seams import function_at

BODY_LIMIT = 10 * 1024 * 1024
SECONDS = 29.0
_PATH = re.compile(r"\$(?:context\.path\b|\{context\.path\})")
_FAULT, _TIMEOUT = "local-cloud: function failed", "local-cloud: function too slow"


def install(context: Context) -> None:
    from ministack.services import apigateway_v1 as api

    parameters = ("request", "api_id", "stage_name", "method", "path", "headers", "body", "query_params")
    execute = function_at(api, "_execute_in_scope", *parameters, "owner_account_id", "owner_region")
    call = function_at(api, "_call_lambda_raw", "function_ref", "event", "account_id", "region")
    read = function_at(api, "_lambda_proxy_response", "result")
    render = function_at(api, "_gateway_error_response", "error", "request")

    async def execute_within_limits(request: dict[str, Any], api_id: str, stage_name: str, *rest: Any) -> Any:
        request["path"] = f"/{stage_name}/{rest[1].lstrip('/')}"
        stage = api._stages_v1.get(api_id, {}).get(stage_name)
        body = rest[3]
        if stage and body and len(body) > BODY_LIMIT:
            request["stage"] = stage
            return api._gw_error("REQUEST_TOO_LARGE", "Request Entity Too Large")
        answer = await execute(request, api_id, stage_name, *rest)
        if isinstance(answer, tuple) and answer[0] == 502:
            if _TIMEOUT.encode() in answer[2]:
                return api._gw_error("INTEGRATION_TIMEOUT", "Endpoint request timed out")
            if _FAULT.encode() in answer[2]:
                return _bad_gateway(api, request)
        return answer

    async def call_in_time(
        function_ref: str, event: Any, *, account_id: Any = None, region: Any = None
    ) -> Any:
        if not _permitted(function_ref, event):
            return None, "the policy of the function does not let the API invoke it"
        task = asyncio.ensure_future(call(function_ref, event, account_id=account_id, region=region))
        done, _ = await asyncio.wait({task}, timeout=SECONDS)
        return task.result() if done else ({"error": True, "body": _TIMEOUT}, None)

    def read_discreetly(result: Mapping[str, Any]) -> Any:
        if result.get("error"):
            return None, _TIMEOUT if result.get("body") == _TIMEOUT else _FAULT
        return read(result)

    def render_with_path(error: Any, request: Mapping[str, Any]) -> Any:
        status, headers, body = render(error, request)
        path = json.dumps(request.get("path", ""))[1:-1]
        return status, headers, _PATH.sub(lambda _: path, body.decode()).encode()

    api._gateway_error_response = render_with_path
    api._execute_in_scope = execute_within_limits
    api._call_lambda_raw = call_in_time
    api._lambda_proxy_response = read_discreetly


def _bad_gateway(api: Any, request: Mapping[str, Any]) -> Any:
    """The DEFAULT_5XX answer of the deployment; its status stays 502 unless one was set."""
    status, headers, body = api._gateway_error_response(
        api._gw_error("DEFAULT_5XX", "Internal server error"), request
    )
    return 502 if status == 500 else status, headers, body


def _permitted(function_ref: str, event: Any) -> bool:
    """Whether the function's policy admits this API, for a call and for an authorizer's question alike."""
    from ministack.services import lambda_svc

    func, config, _ = lambda_svc._get_func_record_for_ref(function_ref)
    if not func or not config or not isinstance(event, dict):
        return True  # the engine answers for a function that is not there
    source = event.get("methodArn") or _method_arn(config["FunctionArn"], event.get("requestContext") or {})
    return _permissions.service_may_invoke(func, "apigateway.amazonaws.com", source)


def _method_arn(function_arn: str, call: Mapping[str, Any]) -> str:
    region, account = function_arn.split(":")[3:5]
    path = f"{call.get('apiId')}/{call.get('stage')}/{call.get('httpMethod')}{call.get('resourcePath')}"
    return f"arn:aws:execute-api:{region}:{account}:{path}"
