"""The Lambda runtime: what a function sees, and by which names its failures are known."""

import io
import json
import zipfile
from typing import Any

import pytest

from tests.contract.cloud import _RUNTIME, Cloud, eventually


def ask(cloud: Cloud, function: str, event: Any = None) -> tuple[Any, str | None]:
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    return json.load(answer["Payload"]), answer.get("FunctionError")


@pytest.mark.parametrize(
    ("source", "kind", "message"),
    [
        (
            "class OrderBusyError(Exception): pass\ndef handler(e, c):\n    raise OrderBusyError('x')",
            "OrderBusyError",
            "x",
        ),
        ("def handler(e, c):\n    return object()", "Runtime.MarshalError", "Unable to marshal response"),
        ("def handler(e, c):\n    raise SystemExit(2)", "Runtime.ExitError", "exit status 2"),
        ("import os\ndef handler(e, c):\n    os._exit(0)", "Runtime.ExitError", "Runtime exited"),
        ("import no_such_module", "Runtime.ImportModuleError", "no_such_module"),
        ("def other(e, c):\n    pass", "Runtime.HandlerNotFound", "handler"),
        ("def handler(e, c:\n", "Runtime.UserCodeSyntaxError", "Syntax error"),
        ("import json\nX = {}['missing']", "KeyError", "missing"),
        ("def handler(e, c):\n    return 'x' * 7_000_000", "Function.ResponseSizeTooLarge", "payload size"),
    ],
)
def test_failure_has_the_name_that_aws_gives_it(cloud: Cloud, source: str, kind: str, message: str) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html"""
    answer, unhandled = ask(cloud, cloud.function(source, Timeout=10))
    assert (answer["errorType"], unhandled) == (kind, "Unhandled")
    assert message in answer["errorMessage"]


def test_function_works_again_after_it_timed_out(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html"""
    source = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'awake'\n"
    function = cloud.function(source, Timeout=1)
    answer, _ = ask(cloud, function, 5)
    assert "Task timed out after 1.00 seconds" in answer["errorMessage"]
    assert ask(cloud, function, 0) == ("awake", None)


def test_function_sees_its_environment_and_context(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
    source = (
        "import os\n"
        "def handler(event, context):\n"
        "    return [os.environ['STAGE'], os.environ['AWS_LAMBDA_FUNCTION_NAME'], context.function_name,\n"
        "            context.invoked_function_arn, int(context.memory_limit_in_mb),\n"
        "            0 < context.get_remaining_time_in_millis() <= 7000, os.environ['AWS_REGION']]\n"
    )
    function = cloud.function(source, Timeout=7, MemorySize=256, Environment={"Variables": {"STAGE": "dev"}})
    name = function.rsplit(":", 1)[1]
    assert ask(cloud, function)[0] == ["dev", name, name, function, 256, True, cloud.region]


def test_function_has_boto3_and_its_package_and_nothing_else(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html"""
    source = (
        "import importlib.util\n"
        "def handler(event, context):\n"
        "    return [name for name in event if importlib.util.find_spec(name)]\n"
    )
    wanted = ["boto3", "botocore", "psycopg", "chalice", "pytest", "ministack", "scripts"]
    assert ask(cloud, cloud.function(source), wanted)[0] == ["boto3", "botocore"]


def test_function_imports_what_its_layer_brings(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html"""
    client, body = cloud.client("lambda"), io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("python/from_the_top.py", "WHERE = 'top'")
        archive.writestr(f"python/lib/{_RUNTIME}/site-packages/from_the_site.py", "WHERE = 'site'")
    layer = client.publish_layer_version(LayerName=cloud.name("layer"), Content={"ZipFile": body.getvalue()})
    which = {"LayerName": layer["LayerArn"], "VersionNumber": layer["Version"]}
    cloud.undo(lambda: client.delete_layer_version(**which))
    source = (
        "import from_the_top, from_the_site\n"
        "def handler(event, context):\n"
        "    return [from_the_top.WHERE, from_the_site.WHERE]\n"
    )
    function = cloud.function(source, Layers=[layer["LayerVersionArn"]])
    assert ask(cloud, function)[0] == ["top", "site"]


def test_environment_is_kept_between_calls(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""
    source = "count = 0\ndef handler(event, context):\n    global count\n    count += 1\n    return count\n"
    function = cloud.function(source)
    assert [ask(cloud, function)[0] for _ in range(3)] == [1, 2, 3]


def test_outcome_of_an_asynchronous_call_reaches_its_destination(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    queue, client = cloud.queue(), cloud.client("lambda")
    function = cloud.function("def handler(event, context):\n    return {'did': event}\n")
    client.put_function_event_invoke_config(
        FunctionName=function, DestinationConfig={"OnSuccess": {"Destination": queue.arn}}
    )
    client.invoke(FunctionName=function, InvocationType="Event", Payload='"it"')
    record = queue.body(60)
    assert (record["requestContext"]["condition"], record["responsePayload"]) == ("Success", {"did": "it"})


def test_dead_letter_queue_of_a_function_gets_the_event_itself(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq"""
    queue, client = cloud.queue(), cloud.client("lambda")
    function = cloud.function(
        "def handler(event, context):\n    raise ValueError('bad')\n",
        DeadLetterConfig={"TargetArn": queue.arn},
    )
    client.put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=0)
    client.invoke(FunctionName=function, InvocationType="Event", Payload='{"n": 1}')
    body, attributes = queue.attributes(120)
    assert body == {"n": 1}
    assert attributes["ErrorMessage"] == "bad"


def test_reserved_concurrency_of_zero_throttles(cloud: Cloud) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""
    client = cloud.at_once("lambda")
    function = cloud.function("def handler(event, context):\n    return 1\n")
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)

    def throttled() -> bool:
        try:
            client.invoke(FunctionName=function)
        except client.exceptions.TooManyRequestsException:
            return True
        return False

    assert eventually(throttled, 30)
