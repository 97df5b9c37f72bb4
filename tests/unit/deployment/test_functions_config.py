"""What Chalice cannot set: each planner says what is missing, and nothing when nothing is."""

import json
from typing import Any

from chalicelib.services.report_event import OUTCOMES
from scripts.deployment import functions_config as plan
from scripts.deployment import gateway

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders-dev-update-read-model"
QUEUE = "arn:aws:sqs:eu-central-1:123456789012:dead"


def test_mapping_reports_single_failures_and_is_bounded() -> None:
    (call,) = plan.mapping_calls([{"UUID": "u", "FunctionArn": ARN}], {ARN: 5})
    assert call.arguments == {
        "UUID": "u",
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 5},
    }


def test_mapping_is_bounded_by_at_least_two() -> None:
    (call,) = plan.mapping_calls([{"UUID": "u", "FunctionArn": ARN}], {ARN: 1})
    assert call.arguments["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_mapping_as_wanted_needs_no_call() -> None:
    mapping = {
        "UUID": "u",
        "FunctionArn": ARN,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 5},
    }
    assert plan.mapping_calls([mapping], {ARN: 5}) == []


def test_flag_keeps_the_other_variables() -> None:
    configuration = {"FunctionName": "f", "Environment": {"Variables": {"STAGE": "dev", plan.FLAG: "0"}}}
    (call,) = plan.flag_calls([configuration])
    assert call.arguments["Environment"] == {"Variables": {"STAGE": "dev", plan.FLAG: "1"}}
    assert plan.flag_calls([{"FunctionName": "f", **call.arguments}]) == []


def test_failures_of_asynchronous_calls_have_a_destination() -> None:
    (call,) = plan.invoke_calls({ARN: None}, QUEUE)
    assert call.arguments["DestinationConfig"] == {"OnFailure": {"Destination": QUEUE}}
    answered = {**call.arguments, "DestinationConfig": {"OnSuccess": {}, "OnFailure": {"Destination": QUEUE}}}
    assert plan.invoke_calls({ARN: answered}, QUEUE) == []


def test_other_destination_is_corrected() -> None:
    other = {"DestinationConfig": {"OnFailure": {"Destination": "elsewhere"}}, **plan.INVOKE}
    assert len(plan.invoke_calls({ARN: other}, QUEUE)) == 1


def test_subscription_gets_its_dead_letter_queue_once() -> None:
    arn = "arn:aws:sns:eu-central-1:123456789012:order-events-dev:1234"
    (call,) = plan.subscription_calls({arn: {}}, QUEUE)
    assert json.loads(call.arguments["AttributeValue"]) == {"deadLetterTargetArn": QUEUE}
    assert plan.subscription_calls({arn: {"RedrivePolicy": call.arguments["AttributeValue"]}}, QUEUE) == []


def test_outcome_counter_is_called_for_outcomes_alone_and_told_so_once() -> None:
    arn = "arn:aws:sns:us-east-1:1:order-events-dev:6f5e0b1c"
    scope, policy = (call.arguments for call in plan.filter_calls({arn: {}}))
    assert (scope["AttributeName"], scope["AttributeValue"]) == ("FilterPolicyScope", "MessageBody")
    assert json.loads(policy["AttributeValue"]) == {"detail-type": sorted(OUTCOMES)}
    done = {one["AttributeName"]: one["AttributeValue"] for one in (scope, policy)}
    assert plan.filter_calls({arn: done}) == []
    assert plan.filter_calls({"arn:aws:sns:us-east-1:1:operational-alerts-dev:7": {}}) == []


def test_rule_keeps_its_target_and_gets_a_dead_letter_queue_once() -> None:
    (call,) = plan.rule_calls({"r": [{"Id": "1", "Arn": ARN, "Input": "{}"}]}, QUEUE)
    (target,) = call.arguments["Targets"]
    assert target["Input"] == "{}"
    assert target["DeadLetterConfig"] == {"Arn": QUEUE}
    assert plan.rule_calls({"r": [target]}, QUEUE) == []


def stored(origin: str = "") -> list[dict[str, Any]]:
    return [{**gateway.response(kind, origin), "defaultResponse": False} for kind in gateway.PROBLEMS]


def test_gateway_answers_its_own_errors_as_problems() -> None:
    for kind, status in {
        "UNAUTHORIZED": 401,
        "ACCESS_DENIED": 403,
        "REQUEST_TOO_LARGE": 413,
        "THROTTLED": 429,
    }.items():
        response = gateway.response(kind)
        text = response["responseTemplates"]["application/json"].replace("$context.", "")
        assert json.loads(text)["status"] == status
        assert (
            response["responseParameters"]["gatewayresponse.header.Content-Type"]
            == "'application/problem+json'"
        )


def test_whatever_the_gateway_answers_is_a_problem_with_its_own_status() -> None:
    """Crashed functions are DEFAULT_5XX, what no kind is named for is DEFAULT_4XX."""
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
        response = gateway.response(kind)
        assert "statusCode" not in response
        text = response["responseTemplates"]["application/json"]
        body = json.loads(text)
        assert "status" not in body
        assert body["type"].startswith("urn:problem:orders:")
        assert body["instance"] == "$context.path"


def test_gateway_responses_are_deployed_only_when_one_changes() -> None:
    assert gateway.response_calls("api", "dev", stored(), "") == []
    calls = gateway.response_calls("api", "dev", stored()[1:], "")
    assert [call.operation for call in calls] == ["put_gateway_response", "create_deployment"]


def test_problem_of_the_gateway_can_be_read_across_origins() -> None:
    assert gateway.response_calls("api", "dev", stored(), "https://shop.example") != []


def test_throttling_is_set_once() -> None:
    (call,) = gateway.throttle_calls("api", "dev", {}, 100, 200)
    assert {one["value"] for one in call.arguments["patchOperations"]} == {"100", "200"}
    settings = {"*/*": {"throttlingRateLimit": 100.0, "throttlingBurstLimit": 200}}
    assert gateway.throttle_calls("api", "dev", {"methodSettings": settings}, 100, 200) == []
