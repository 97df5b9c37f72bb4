"""`chalice deploy` between the scripts and the packaged template as a stack make the same resources."""

from pathlib import Path
from typing import Any

from scripts.deployment import inventory
from scripts.deployment.functions import FUNCTIONS
from scripts.deployment.policies import API_HANDLER
from tests.integration.deployment import cloud


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    """Without what must differ (who deployed, and the bucket with the ETL's code) and what the engine's
    CloudFormation lacks (VpcConfig)."""
    for function in found["functions"].values():
        for name in ("DEPLOYED_BY", "STAGE_REGION"):
            function["environment"].pop(name, None)
        function.pop("in the VPC")
    for job in (one for name, one in found["Glue"].items() if name.startswith("job ")):
        assert job["command"].pop("ScriptLocation").startswith(("s3://order-lake-prod", "s3://code/etl/"))
        assert job["arguments"].pop("--extra-py-files").startswith(("s3://order-lake-prod", "s3://code/etl/"))
    return found


def test_both_ways_of_deployment_make_the_same_resources(start: Any, project: Path, tmp_path: Path) -> None:
    session = start("deployed")
    cloud.deploy(cloud.PROD, session, project)
    deployed = inventory.read(session, "prod")
    joined = {name for name, function in deployed["functions"].items() if function["in the VPC"]}
    session = start("packaged")
    cloud.create_packaged(cloud.PROD, session, project, tmp_path / "out")
    packaged = inventory.read(session, "prod")

    assert len(deployed["functions"]) >= len(FUNCTIONS)
    assert len(deployed["queues"]) >= 6
    assert len(joined) == len([one for one in FUNCTIONS.values() if one.database])
    assert set(deployed["functions"]) >= {
        "orders-prod" if name == API_HANDLER else f"orders-prod-{name}" for name in FUNCTIONS
    }
    left, right = comparable(deployed), comparable(packaged)
    for kind, found in left.items():
        assert found == right[kind], kind
