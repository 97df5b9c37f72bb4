"""Functions in the VPC reach every service that they call, and the price is told before."""

import json
import re

import pytest

from scripts import teardown
from scripts.deployment import fragments, network, settings
from scripts.deployment.errors import DeploymentError
from tests.unit.deployment.stages import stage

BASE = fragments.base()


def test_every_service_that_database_functions_call_has_an_endpoint() -> None:
    endpoints = [
        b["Properties"]
        for b in fragments.base()["Resources"].values()
        if b["Type"] == "AWS::EC2::VPCEndpoint"
    ]
    declared = {json.dumps(one["ServiceName"]).rstrip('"}').rsplit(".", 1)[-1] for one in endpoints}
    assert set(network.reached()) == declared


def test_created_database_costs_its_endpoints_and_its_least_capacity() -> None:
    own = stage(create_database=True, database_secret=None, vpc=None, subnets=None, security_groups=None)
    endpoints, database = network.costs(own)
    interfaces = len([name for name in network.reached() if name != "s3"])
    assert endpoints.usd == interfaces * 2 * 0.01 * 730
    assert round(database.usd, 2) == 43.80


def test_stage_with_its_own_network_is_told_of_nat() -> None:
    assert "NAT" in str(network.costs(stage())[0])
    assert any("they reach" in line and "events" in line for line in network.report(stage()))


def test_local_costs_nothing() -> None:
    assert list(network.report(settings.local())) == []


def test_proxy_is_made_for_the_database_that_is_made_and_told_its_price() -> None:
    own = stage(
        create_database=True,
        create_proxy=True,
        database_secret=None,
        vpc=None,
        subnets=None,
        security_groups=None,
    )
    assert own.parameters()["CreateProxy"] == "true"
    assert [round(one.usd, 2) for one in network.costs(own)][1:] == [43.80, 87.60]
    made = {
        name: body["Type"]
        for name, body in BASE["Resources"].items()
        if body.get("Condition") == "MakesProxy"
    }
    assert set(made.values()) == {
        "AWS::RDS::DBProxy",
        "AWS::RDS::DBProxyTargetGroup",
        "AWS::IAM::Role",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupIngress",
    }
    assert BASE["Outputs"]["DatabaseProxyEndpoint"]["Condition"] == "MakesProxy"


def test_proxy_of_somebody_elses_database_is_refused() -> None:
    with pytest.raises(DeploymentError, match="'create_proxy' is for 'create_database'"):
        stage(create_proxy=True)


def test_what_prod_keeps_can_stand_alone() -> None:
    kept = teardown.kept_part(BASE)["Resources"]
    assert {"DatabaseProxy", "DatabaseProxyRole"} <= kept.keys()
    assert not {"RawDataArrivalsTopic", "OrderProcessingQueue"} & kept.keys()
    text = json.dumps(kept)
    assert [name for name in BASE["Resources"] if name not in kept and re.search(rf'"{name}[."]', text)] == []
