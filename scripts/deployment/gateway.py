"""What Chalice's REST API needs and Chalice cannot set: the gateway's own errors and its throttling."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from scripts.deployment.calls import Call

# Response type → status, problem slug, title. The two defaults stand for all that are not listed, a function
# that failed among them, and keep the status of each.
PROBLEMS: Mapping[str, tuple[int | None, str, str]] = {
    "DEFAULT_4XX": (None, "refused", "The request was refused"),
    "DEFAULT_5XX": (None, "internal-error", "The service failed"),
    "API_CONFIGURATION_ERROR": (500, "internal-error", "The service failed"),
    "BAD_REQUEST_BODY": (400, "malformed-request", "The body cannot be read"),
    "BAD_REQUEST_PARAMETERS": (400, "malformed-request", "The parameters cannot be read"),
    "EXPIRED_TOKEN": (401, "unauthenticated", "The token has expired"),
    "UNAUTHORIZED": (401, "unauthenticated", "The token is missing or unknown"),
    "ACCESS_DENIED": (403, "forbidden", "The token does not allow this"),
    "MISSING_AUTHENTICATION_TOKEN": (404, "not-found", "There is no such resource"),
    "AUTHORIZER_FAILURE": (503, "unavailable", "The token could not be checked, try again"),
    "AUTHORIZER_CONFIGURATION_ERROR": (503, "unavailable", "The token could not be checked, try again"),
    "REQUEST_TOO_LARGE": (413, "payload-too-large", "The request is too large"),
    "UNSUPPORTED_MEDIA_TYPE": (415, "unsupported-media-type", "The media type is not supported"),
    "THROTTLED": (429, "too-many-requests", "Too many requests, try again later"),
    "QUOTA_EXCEEDED": (429, "too-many-requests", "The quota of requests is used up"),
    "INTEGRATION_FAILURE": (502, "bad-gateway", "The service did not answer properly"),
    "INTEGRATION_TIMEOUT": (504, "timeout", "The service did not answer in time"),
}


def response(kind: str, origin: str = "") -> dict[str, Any]:
    """One gateway response as RFC 9457 problem+json, in API Gateway's terms.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
    """
    status, slug, title = PROBLEMS[kind]
    known = {} if status is None else {"status": status}
    body = {"type": f"urn:problem:orders:{slug}", "title": title, **known, "detail": title}
    text = json.dumps(body)[:-1] + ', "instance": "$context.path", "correlationId": "$context.requestId"}'
    headers = {"gatewayresponse.header.Content-Type": "'application/problem+json'"}
    if origin:
        headers["gatewayresponse.header.Access-Control-Allow-Origin"] = f"'{origin}'"
    if status == 401:
        headers["gatewayresponse.header.WWW-Authenticate"] = "'Bearer'"
    if status == 429:
        headers["gatewayresponse.header.Retry-After"] = "'1'"
    return {
        "responseType": kind,
        **({} if status is None else {"statusCode": str(status)}),
        "responseParameters": headers,
        "responseTemplates": {"application/json": text, "application/problem+json": text},
    }


def response_calls(api: str, stage: str, actual: Iterable[Mapping[str, Any]], origin: str) -> list[Call]:
    """Gateway responses that are not as wanted, and the deployment that puts them into force."""
    known = {one["responseType"]: one for one in actual}
    wanted = [response(kind, origin) for kind in PROBLEMS]
    put = [
        Call(
            f"answer {one['responseType']} as problem+json",
            "apigateway",
            "put_gateway_response",
            {"restApiId": api, **one},
        )
        for one in wanted
        if any(known.get(one["responseType"], {}).get(key) != value for key, value in one.items())
    ]
    deploy = Call("deploy the API", "apigateway", "create_deployment", {"restApiId": api, "stageName": stage})
    return [*put, deploy] if put else []


def throttle_calls(api: str, stage: str, actual: Mapping[str, Any], rate: int, burst: int) -> list[Call]:
    """Throttling of every method of the stage."""
    now = actual.get("methodSettings", {}).get("*/*", {})
    if now.get("throttlingRateLimit") == rate and now.get("throttlingBurstLimit") == burst:
        return []
    operations = [
        {"op": "replace", "path": "/*/*/throttling/rateLimit", "value": str(rate)},
        {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": str(burst)},
    ]
    return [
        Call(f"throttle {stage} at {rate} requests/s, burst {burst}", "apigateway", "update_stage",
             {"restApiId": api, "stageName": stage, "patchOperations": operations})
    ]  # fmt: skip
