"""Functions in the VPC reach every service that they call, and the price is told before."""

import json

from scripts.deployment import fragments, network, settings
from tests.unit.deployment.stages import stage


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
