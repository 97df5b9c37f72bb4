"""Base, bindings and functions become one template without a parameter that somebody else answers."""

import pytest

from scripts.deployment import wiring
from scripts.deployment.deployed import logical_id
from scripts.deployment.errors import DeploymentError

BASE = {
    "Parameters": {"Stage": {"Type": "String"}},
    "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Sub": "q-${Stage}"}}}},
    "Outputs": {"QArn": {"Value": {"Fn::GetAtt": ["Q", "Arn"]}}},
}


def joined(properties: object) -> object:
    bindings = {
        "Parameters": {"QArn": {"Type": "String"}, "ClaimOrderFunctionArn": {"Type": "String"}},
        "Resources": {"R": {"Type": "X", "Properties": properties}},
    }
    template = wiring.joined(BASE, bindings, {"ClaimOrderFunctionArn": "ClaimOrder"}, "prod")
    assert template["Parameters"].keys() == {"Stage"}
    return template["Resources"]["R"]["Properties"]


def test_output_of_base_becomes_its_source() -> None:
    assert joined({"A": {"Ref": "QArn"}}) == {"A": {"Fn::GetAtt": ["Q", "Arn"]}}


def test_function_becomes_its_arn() -> None:
    assert joined([{"Ref": "ClaimOrderFunctionArn"}]) == [{"Fn::GetAtt": ["ClaimOrder", "Arn"]}]


def test_variables_inside_a_text_follow() -> None:
    assert joined({"Fn::Sub": "${QArn}/${ClaimOrderFunctionArn}/${AWS::Region}"}) == {
        "Fn::Sub": "${Q.Arn}/${ClaimOrder.Arn}/${AWS::Region}"
    }


def test_known_stage_turns_a_text_into_a_plain_one() -> None:
    assert joined({"Fn::Sub": "q-${Stage}"}) == "q-prod"


def test_expression_that_fits_in_no_text_goes_into_the_map() -> None:
    value = {"Fn::Join": ["", ["a"]]}
    assert wiring.substituted({"Fn::Sub": "x-${V}"}, {"V": value}) == {"Fn::Sub": ["x-${V}", {"V": value}]}


def test_own_map_of_a_text_wins() -> None:
    text = {"Fn::Sub": ["${V}", {"V": {"Ref": "Stage"}}]}
    assert wiring.substituted(text, {"V": "no", "Stage": "prod"}) == {"Fn::Sub": ["${V}", {"V": "prod"}]}


def test_function_that_the_app_lacks_is_named() -> None:
    bindings = {"Parameters": {"NoSuchFunctionArn": {"Type": "String"}}, "Resources": {}}
    with pytest.raises(DeploymentError, match="NoSuchFunctionArn"):
        wiring.joined(BASE, bindings, {}, "prod")


def test_rooms_of_base_and_bindings_may_not_use_one_name_twice() -> None:
    bindings = {"Parameters": {}, "Resources": {"Q": {"Type": "Other"}}}
    with pytest.raises(DeploymentError, match="'Q'"):
        wiring.joined(BASE, bindings, {}, "prod")


@pytest.mark.parametrize("name", ["claim-order", "api_handler", "on-order-event", "migrate"])
def test_logical_id_is_what_chalice_makes(name: str) -> None:
    from chalice.utils import to_cfn_resource_name

    assert logical_id(name) == to_cfn_resource_name(name)
