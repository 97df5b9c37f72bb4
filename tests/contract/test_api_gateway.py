"""The REST API as Chalice deploys it: import, overwrite, authorizer, gateway answers, limits, bytes."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from email.message import Message
from functools import partial
from typing import Any

import pytest

from tests.contract.cloud import Cloud, eventually

ECHO = """
import base64, json, os, time
def handler(event, context):
    if event['path'] == '/bytes':
        return {'statusCode': 200, 'headers': {'Content-Type': 'image/png'},
                'body': base64.b64encode(bytes([137, 0, 255])).decode(), 'isBase64Encoded': True}
    if event['path'] == '/fault':
        raise RuntimeError('secret detail')
    who = (event['requestContext'].get('authorizer') or {}).get('principalId')
    return {'statusCode': 200, 'headers': {'Content-Type': 'application/json'},
            'body': json.dumps({'version': os.environ['VERSION'], 'who': who, 'method': event['httpMethod']})}
"""
AUTHORIZER = """
def handler(event, context):
    token = event['authorizationToken']
    if token == 'broken':
        raise RuntimeError('no database')
    effect = 'Allow' if token == 'good' else 'Deny'
    return {'principalId': 'alice', 'context': {}, 'policyDocument': {'Version': '2012-10-17', 'Statement': [
        {'Effect': effect, 'Action': 'execute-api:Invoke', 'Resource': event['methodArn']}]}}
"""
PROBLEM = {
    "application/json": '{"title": $context.error.messageString, "type": "/problems/gateway",'
    ' "instance": "$context.path"}'
}


Answer = tuple[int, Message, bytes]  # a message's headers have no case, as those of HTTP


class Api:
    """A deployed API and the way to call it."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.gateway = cloud.client("apigateway")
        self.function = cloud.function(ECHO, Environment={"Variables": {"VERSION": "1"}}, Timeout=10)
        self.authorizer = cloud.function(AUTHORIZER, Timeout=10)
        for function in (self.function, self.authorizer):
            cloud.allow(function, "apigateway.amazonaws.com")
        body = json.dumps(self.document("/orders", "/bytes", "/fault"))
        self.id = self.gateway.import_rest_api(
            body=body, parameters={"endpointConfigurationTypes": "REGIONAL"}
        )["id"]
        cloud.undo(lambda: self.gateway.delete_rest_api(restApiId=self.id))
        self.deploy()

    def uri(self, function: str) -> str:
        region = self.cloud.region
        return f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations"

    def document(self, *paths: str) -> dict[str, Any]:
        """Swagger as Chalice 1.34 writes it."""
        call = {
            "x-amazon-apigateway-integration": {
                "type": "aws_proxy",
                "httpMethod": "POST",
                "passthroughBehavior": "when_no_match",
                "contentHandling": "CONVERT_TO_TEXT",
                "uri": self.uri(self.function),
                "responses": {"default": {"statusCode": "200"}},
            },
            "responses": {"200": {"description": "200 response"}},
        }
        origin = {"Access-Control-Allow-Origin": {"type": "string"}}
        preflight = {
            "consumes": ["application/json"],
            "responses": {"200": {"description": "200 response", "headers": origin}},
            "x-amazon-apigateway-integration": {
                "type": "mock",
                "requestTemplates": {"application/json": '{"statusCode": 200}'},
                "responses": {
                    "default": {
                        "statusCode": "200",
                        "responseParameters": {
                            "method.response.header.Access-Control-Allow-Origin": "'https://a.b'"
                        },
                    }
                },
            },
        }
        secured = {**call, "security": [{"tokens": []}]}
        scheme = {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": {
                "type": "token",
                "authorizerUri": self.uri(self.authorizer),
                "authorizerResultTtlInSeconds": 0,
            },
        }
        return {
            "swagger": "2.0",
            "info": {"version": "1.0", "title": self.cloud.name("api")},
            "schemes": ["https"],
            "x-amazon-apigateway-binary-media-types": ["image/png"],
            "paths": {path: {"get": call, "post": call, "options": preflight} for path in paths}
            | {"/mine": {"get": secured}},
            "securityDefinitions": {"tokens": scheme},
        }

    def deploy(self) -> None:
        self.gateway.create_deployment(restApiId=self.id, stageName="api")

    def call(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> Answer:
        host = f"https://{self.id}.execute-api.{self.cloud.region}.amazonaws.com"
        if self.cloud.endpoint:
            host = f"{self.cloud.endpoint}/_aws/execute-api/{self.id}"
        request = urllib.request.Request(
            f"{host}/api{path}", method=method, headers=dict(headers or {}), data=data
        )
        try:
            with urllib.request.urlopen(request, timeout=40) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.headers, answer.read()

    def answer(self, kind: str, status: str) -> None:
        self.gateway.put_gateway_response(
            restApiId=self.id,
            responseType=kind,
            statusCode=status,
            responseTemplates=PROBLEM,
            responseParameters={"gatewayresponse.header.Content-Type": "'application/problem+json'"},
        )


@pytest.fixture
def api(cloud: Cloud) -> Api:
    return Api(cloud)


def test_imported_api_answers_and_can_be_overwritten(api: Api) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/api/API_PutRestApi.html"""
    assert json.loads(api.call("/orders", "POST")[2])["method"] == "POST"
    api.gateway.put_rest_api(restApiId=api.id, mode="overwrite", body=json.dumps(api.document("/others")))
    api.deploy()
    assert eventually(lambda: api.call("/others")[0] == 200, 60)
    assert eventually(lambda: api.call("/orders")[0] == 403, 60)


def test_preflight_carries_the_headers_of_the_document(api: Api) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html"""
    status, headers, _ = api.call("/orders", "OPTIONS")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, "https://a.b")


def test_bytes_arrive_unharmed(api: Api) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html"""
    status, _, body = api.call("/bytes", headers={"Accept": "image/png"})
    assert (status, body) == (200, bytes([137, 0, 255])), base64.b64encode(body)


def test_authorizer_decides_and_its_principal_reaches_the_function(api: Api) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html"""
    assert api.call("/mine")[0] == 401
    assert api.call("/mine", headers={"Authorization": "bad"})[0] == 403
    assert api.call("/mine", headers={"Authorization": "broken"})[0] == 500
    status, _, body = api.call("/mine", headers={"Authorization": "good"})
    assert (status, json.loads(body)["who"]) == (200, "alice")


def test_gateway_s_own_refusals_have_the_body_that_was_set(api: Api) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gatewayResponse-definition.html"""
    api.answer("UNAUTHORIZED", "401")
    api.answer("ACCESS_DENIED", "403")
    api.answer("REQUEST_TOO_LARGE", "413")
    api.answer("THROTTLED", "429")
    api.deploy()
    refusals: dict[int, Callable[[], Answer]] = {
        401: lambda: api.call("/mine"),
        403: lambda: api.call("/mine", headers={"Authorization": "bad"}),
        413: lambda: api.call("/orders", "POST", data=b"x" * (10 * 1024 * 1024 + 1)),
    }
    for status, refused in refusals.items():
        assert_problem(eventually(partial(answer_with, status, refused)))
    limits = [
        {"op": "replace", "path": f"/~1mine/GET/throttling/{what}", "value": "0"}
        for what in ("rateLimit", "burstLimit")
    ]
    api.gateway.update_stage(restApiId=api.id, stageName="api", patchOperations=limits)
    good = partial(api.call, "/mine", headers={"Authorization": "good"})
    assert_problem(eventually(partial(answer_with, 429, good)))


def answer_with(status: int, call: Callable[[], Answer]) -> Answer | None:
    answer = call()
    return answer if answer[0] == status else None


def assert_problem(answer: Answer | None) -> None:
    assert answer is not None
    assert answer[1]["Content-Type"] == "application/problem+json"
    assert json.loads(answer[2])["type"] == "/problems/gateway"


def test_path_in_an_answer_has_the_stage_before_it(api: Api) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html"""
    api.answer("UNAUTHORIZED", "401")
    api.deploy()
    answer = eventually(partial(answer_with, 401, lambda: api.call("/mine")))
    assert eventually(lambda: json.loads(api.call("/mine")[2]).get("instance")) == "/api/mine"
    assert_problem(answer)


def test_fault_of_the_function_is_a_502_that_tells_nothing(api: Api) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html"""
    status, _, body = api.call("/fault")
    assert (status, json.loads(body)) == (502, {"message": "Internal server error"})


def test_function_must_admit_the_api(api: Api) -> None:
    """https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html"""
    client = api.cloud.client("lambda")
    policy = json.loads(client.get_policy(FunctionName=api.function)["Policy"])
    client.remove_permission(FunctionName=api.function, StatementId=policy["Statement"][0]["Sid"])
    assert eventually(lambda: api.call("/orders")[0] == 500)
