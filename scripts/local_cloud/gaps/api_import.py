"""Gap: ImportRestApi makes an API without routes, PutRestApi is unknown, preflights lose their headers.

docs.aws.amazon.com/apigateway/latest/api/API_ImportRestApi.html and API_PutRestApi.html.
"""

import json
from collections.abc import Mapping
from typing import Any

from scripts.local_cloud.seams import function_at

from . import Context

Answer = tuple[int, dict[str, str], bytes]


def install(context: Context) -> None:
    from ministack.services import apigateway_v1 as api

    handle = function_at(api, "handle_request", "method", "path", "headers", "body", "query_params")
    import_api = function_at(api, "_import_rest_api", "spec", "base_data")
    import_operation = function_at(
        api,
        "_import_operation",
        "api_id",
        "resource_id",
        "http_method",
        "operation",
        "scheme_map",
        "default_security",
    )
    function_at(api, "_import_path_item", "api_id", "path", "path_item", "scheme_map", "default_security")
    function_at(api, "_import_security_schemes", "api_id", "spec")

    def operation_with_responses(
        api_id: str,
        resource_id: str,
        http_method: str,
        operation: Any,
        scheme_map: Any = None,
        default_security: Any = None,
    ) -> None:
        import_operation(api_id, resource_id, http_method, operation, scheme_map, default_security)
        _complete_method(api, api_id, resource_id, http_method, operation or {})

    def api_with_binary_types(spec: Mapping[str, Any], base_data: Any = None) -> Any:
        api_id = import_api(spec, base_data)
        _set_api_attributes(api, api_id, spec)
        return api_id

    async def requests(
        method: str, path: str, headers: Any, body: bytes, query_params: Mapping[str, Any]
    ) -> Any:
        parts = path.strip("/").split("/")
        if method == "POST" and parts == ["restapis"] and _first(query_params, "mode") == "import":
            base = {
                "endpointConfiguration": {
                    "types": [_first(query_params, "endpointConfigurationTypes") or "EDGE"]
                }
            }
            status, answer_headers, answer = api._get_rest_api(api._import_rest_api(json.loads(body), base))
            return 201 if status == 200 else status, answer_headers, answer
        if method == "PUT" and len(parts) == 2 and parts[0] == "restapis":
            return _put_rest_api(api, parts[1], _first(query_params, "mode"), json.loads(body))
        return await handle(method, path, headers, body, query_params)

    api._import_operation = operation_with_responses
    api._import_rest_api = api_with_binary_types
    api.handle_request = requests


def _put_rest_api(api: Any, api_id: str, mode: str, spec: Mapping[str, Any]) -> Any:
    if api_id not in api._rest_apis:
        return api._v1_error("NotFoundException", "Invalid API identifier specified", 404)
    if mode != "overwrite":
        return api._v1_error(
            "BadRequestException", "The local engine puts an API with mode=overwrite only", 400
        )
    resources = api._resources[api_id]
    root = next(resource for resource in resources.values() if resource.get("path") == "/")
    root["resourceMethods"] = {}
    resources.clear()
    resources[root["id"]] = root
    api._authorizers_v1[api_id].clear()
    schemes = api._import_security_schemes(api_id, spec)
    for path, item in (spec.get("paths") or {}).items():
        api._import_path_item(api_id, path, item, schemes, spec.get("security"))
    _set_api_attributes(api, api_id, spec)
    return api._get_rest_api(api_id)


def _set_api_attributes(api: Any, api_id: str, spec: Mapping[str, Any]) -> None:
    record = api._rest_apis[api_id]
    record["binaryMediaTypes"] = spec.get("x-amazon-apigateway-binary-media-types") or []
    title = (spec.get("info") or {}).get("title")
    if title:
        record["name"] = title
    if policy := spec.get("x-amazon-apigateway-policy"):
        record["policy"] = json.dumps(policy)
    for kind, response in (spec.get("x-amazon-apigateway-gateway-responses") or {}).items():
        api._put_gateway_response(api_id, kind, response)


def _complete_method(
    api: Any, api_id: str, resource_id: str, method: str, operation: Mapping[str, Any]
) -> None:
    """The parts of an operation that the engine's importer leaves out: responses and a mock's templates."""
    integration = operation.get("x-amazon-apigateway-integration") or {}
    record = api._resources[api_id][resource_id]["resourceMethods"][method]
    if integration and str(integration.get("type", "")).lower() == "mock":
        record["methodIntegration"]["requestTemplates"] = integration.get("requestTemplates") or {}
        record["methodIntegration"]["passthroughBehavior"] = integration.get("passthroughBehavior")
    for status, response in (operation.get("responses") or {}).items():
        names = {f"method.response.header.{header}": False for header in response.get("headers") or {}}
        api._put_method_response(api_id, resource_id, method, status, {"responseParameters": names})
    for pattern, response in (integration.get("responses") or {}).items():
        api._put_integration_response(
            api_id,
            resource_id,
            method,
            str(response.get("statusCode", "200")),
            {
                "selectionPattern": "" if pattern == "default" else pattern,
                "responseParameters": response.get("responseParameters") or {},
                "responseTemplates": response.get("responseTemplates") or {},
            },
        )


def _first(query_params: Mapping[str, Any], name: str) -> str:
    value = query_params.get(name) or ""
    return str(value[0] if isinstance(value, list) else value)
