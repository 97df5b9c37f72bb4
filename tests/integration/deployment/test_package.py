"""What CI gets: a plain package from a fresh clone, and one linted template of everything."""

import dataclasses
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chalicelib import names
from scripts import configure, deploy, package
from scripts.deployment import chalice_config, deployed, gateway, settings
from scripts.deployment.functions import FUNCTIONS
from scripts.deployment.policies import API_HANDLER
from tests.integration.deployment import cloud

Template = dict[str, Any]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """`chalice package --stage prod out/` by somebody who has never heard of AWS."""
    folder = tmp_path_factory.mktemp("plain")
    project = cloud.copy_app(folder)
    command = [sys.executable, "-c", "from chalice.cli import main; main()", "--project-dir", str(project)]
    nobody = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"}
    done = subprocess.run(
        [*command, "package", "--stage", "prod", str(folder / "out")],
        capture_output=True,
        text=True,
        env=nobody,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "out" / "deployment.zip").stat().st_size < 10_000_000
    found: Template = json.loads((folder / "out" / "sam.json").read_text())
    return found


@pytest.fixture(scope="module")
def merged(plain: Template) -> Template:
    """That template with the fragments over it, as Chalice merges them."""
    from chalice.package import TemplateDeepMerger

    found: Template = TemplateDeepMerger().merge(package.merged(plain, "prod", {}), plain)
    return found


def functions(template: Template) -> dict[str, Template]:
    kind = "AWS::Serverless::Function"
    return {name: body["Properties"] for name, body in template["Resources"].items() if body["Type"] == kind}


def logical(name: str) -> str:
    return "APIHandler" if name == API_HANDLER else deployed.logical_id(name)


def test_every_function_of_the_app_has_its_place_in_the_table(plain: Template) -> None:
    assert set(functions(plain)) == {logical(name) for name in FUNCTIONS}


def test_reserved_concurrency_of_a_packaged_stage_is_a_choice_of_who_creates_the_stack(
    merged: Template,
) -> None:
    for name, one in FUNCTIONS.items():
        if one.concurrency is not None:
            reserved = functions(merged)[logical(name)]["ReservedConcurrentExecutions"]
            expected = ["ReservesConcurrency", one.concurrency, {"Ref": "AWS::NoValue"}]
            assert reserved == {"Fn::If": expected}, name
    assert merged["Parameters"]["ReserveConcurrency"]["Default"] == "true"


def test_plain_policies_leave_account_and_region_to_the_template(plain: Template) -> None:
    roles = [body for body in plain["Resources"].values() if body["Type"] == "AWS::IAM::Role"]
    assert len(roles) == len(FUNCTIONS)
    assert names.LOCAL_ACCOUNT not in json.dumps(roles)


def test_packaged_template_names_no_account_and_no_address(merged: Template) -> None:
    text = json.dumps({**merged, "Parameters": {}})
    assert names.LOCAL_ACCOUNT not in text
    mails = {json.dumps(one["Environment"]["Variables"]["MAIL_FROM"]) for one in functions(merged).values()}
    assert mails == {'{"Ref": "MailFrom"}'}
    operators = [one["Environment"]["Variables"]["OPERATORS_EMAIL"] for one in functions(merged).values()]
    assert operators == [{"Ref": "OperatorsEmail"}] * len(operators)


def test_only_database_functions_of_the_template_join_the_network(merged: Template) -> None:
    joined = {name for name, body in functions(merged).items() if "VpcConfig" in body}
    assert joined == {logical(name) for name, function in FUNCTIONS.items() if function.database}


def test_only_a_stack_that_makes_the_proxy_sends_the_functions_to_it(merged: Template) -> None:
    host = functions(merged)["ClaimOrder"]["Environment"]["Variables"]["DATABASE_HOST"]
    assert host["Fn::If"][:2] == ["MakesProxy", {"Fn::GetAtt": ["DatabaseProxy", "Endpoint"]}]


def test_every_queue_of_the_template_reports_single_failures_with_its_flag(merged: Template) -> None:
    mappings = [
        body["Properties"]
        for body in merged["Resources"].values()
        if body["Type"] == "AWS::Lambda::EventSourceMapping"
    ]
    for name, body in functions(merged).items():
        queues = [one["Properties"] for one in body.get("Events", {}).values() if one["Type"] == "SQS"]
        queues += [one for one in mappings if one["FunctionName"] == {"Fn::GetAtt": [name, "Arn"]}]
        flag = body["Environment"]["Variables"]["PARTIAL_BATCH_RESPONSES"]
        assert flag == ("1" if queues else "0"), name
        for queue in queues:
            assert queue["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


def test_every_event_of_the_template_has_somewhere_to_fail_to(merged: Template) -> None:
    for name, body in functions(merged).items():
        for event in body.get("Events", {}).values():
            properties = event["Properties"]
            assert event["Type"] == "SQS" or properties.keys() & {"DeadLetterConfig", "RedrivePolicy"}, name


def test_every_answer_of_the_templates_gateway_is_a_problem(merged: Template) -> None:
    answers = merged["Resources"]["RestAPI"]["Properties"]["DefinitionBody"][
        "x-amazon-apigateway-gateway-responses"
    ]
    assert set(answers) == set(gateway.PROBLEMS)
    assert "statusCode" not in answers["DEFAULT_5XX"]
    assert answers["THROTTLED"]["statusCode"] == "429"


def test_no_parameter_of_the_template_is_left_to_a_script(merged: Template) -> None:
    asked = {name for name, body in merged["Parameters"].items() if "Default" not in body}
    assert asked == {"MailFrom", "EtlCodeBucket"}


@pytest.mark.parametrize("stage", ["local", "production"])
def test_only_a_stage_of_aws_is_packaged(
    stage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert package.main(["--stage", stage, str(tmp_path)]) == 1
    assert "is not packaged, only dev, prod" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_packaged_template_is_clean_under_cfn_lint(merged: Template, tmp_path: Path) -> None:
    template = tmp_path / "sam.json"
    template.write_text(json.dumps(merged, indent=1))
    assert package.lint(template) == []


def test_local_stage_configures_the_functions_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    project, stage = cloud.copy_app(tmp_path), settings.local()
    configure.apply(stage, project)
    package.chalice_package(project, "local", tmp_path / "out")
    made = set(functions(json.loads((tmp_path / "out" / "sam.json").read_text())))
    assert made == {logical(name) for name in chalice_config.functions(stage)}
    with zipfile.ZipFile(tmp_path / "out" / "deployment.zip") as archive:
        assert [name for name in archive.namelist() if name.endswith(".pyc")] == []


def test_deployment_begins_without_caches_and_bytecode(tmp_path: Path) -> None:
    project = cloud.copy_app(tmp_path)
    for folder in (".chalice/deployments", "chalicelib/domain/__pycache__"):
        (project / folder).mkdir(parents=True)
        (project / folder / "old").touch()
    deploy.clean(project)
    assert not list(project.rglob("old"))
    assert (project / "chalicelib" / "domain" / "money.py").is_file()


def test_packages_ship_once_as_a_layer_and_the_functions_zip_gets_smaller(tmp_path: Path) -> None:
    project, out = cloud.copy_app(tmp_path), tmp_path / "out"
    stage = dataclasses.replace(configure.defaults("prod"), dependency_layer=True)
    configure.apply(stage, project, committed=True)
    package.chalice_package(project, "prod", out)
    template = json.loads((out / "sam.json").read_text())
    layer = template["Resources"]["ManagedLayer"]["Properties"]
    assert layer["ContentUri"] == "./layer-deployment.zip"
    assert all(body["Layers"] == [{"Ref": "ManagedLayer"}] for body in functions(template).values())
    with zipfile.ZipFile(out / "layer-deployment.zip") as archive:
        assert any("/site-packages/psycopg/" in name for name in archive.namelist())
    with zipfile.ZipFile(out / "deployment.zip") as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {"app.py", "chalicelib"} <= tops
    assert not tops & {"psycopg", "psycopg_binary", "msgspec"}
    sizes = {path.name: path.stat().st_size for path in out.glob("*.zip")}
    assert sizes["deployment.zip"] * 5 < sizes["layer-deployment.zip"]
