"""`python -m scripts.benchmarks.engine`: what the local engine itself can do, without the app on it.

Prints milliseconds of a warm call, six-function workflows a second, and the memory of engine and workers.
"""

import argparse
import io
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3

from scripts.local_cloud.launcher import Engine

_SOURCE = "def handler(event, context):\n    return event\n"
_STEPS = 6


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.benchmarks.engine", description=__doc__)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--workflows", type=int, default=600)
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, Engine(Path(folder)) as engine:
        functions = [_function(engine, number) for number in range(_STEPS)]
        print(f"warm call          {_warm_call(engine, functions[0], options.calls):8.2f} ms")
        done, rate = _workflows(engine, functions, options.workflows)
        print(f"workflows a second {rate:8.1f}   ({done} of {options.workflows} succeeded)")
        workers = _children(engine.pid)
        print(f"engine             {_megabytes([engine.pid]):8.0f} MB")
        print(f"{len(workers)} workers         {_megabytes(workers):8.0f} MB")
    return 0 if done == options.workflows else 1


def _client(engine: Engine, service: str) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    return boto3.client(service, endpoint_url=engine.endpoint, **keys)


def _function(engine: Engine, number: int) -> str:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as files:
        files.writestr("app.py", _SOURCE)
    created = _client(engine, "lambda").create_function(
        FunctionName=f"step-{number}",
        Runtime="python3.12",
        Handler="app.handler",
        Role="arn:aws:iam::000000000000:role/benchmark",
        Code={"ZipFile": package.getvalue()},
    )
    return str(created["FunctionArn"])


def _warm_call(engine: Engine, function: str, calls: int) -> float:
    client = _client(engine, "lambda")
    client.invoke(FunctionName=function, Payload=b"{}")
    started = time.perf_counter()
    for _ in range(calls):
        client.invoke(FunctionName=function, Payload=b"{}")["Payload"].read()
    return (time.perf_counter() - started) / calls * 1000


def _workflows(engine: Engine, functions: Sequence[str], count: int) -> tuple[int, float]:
    """How many executions succeeded, and how many a second from the first start to the last end."""
    client = _client(engine, "stepfunctions")
    states: dict[str, Any] = {
        f"Step{number}": {"Type": "Task", "Resource": function, "Next": f"Step{number + 1}"}
        for number, function in enumerate(functions)
    }
    states[f"Step{len(functions)}"] = {"Type": "Succeed"}
    definition = json.dumps({"StartAt": "Step0", "States": states})
    role = "arn:aws:iam::000000000000:role/benchmark"
    machine = client.create_state_machine(name="six", definition=definition, roleArn=role)["stateMachineArn"]
    started = time.perf_counter()
    with ThreadPoolExecutor(8) as starters:
        runs = list(starters.map(lambda _: client.start_execution(stateMachineArn=machine), range(count)))
    while client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]:
        time.sleep(0.05)
    spent = time.perf_counter() - started
    ended = [client.describe_execution(executionArn=run["executionArn"])["status"] for run in runs]
    return ended.count("SUCCEEDED"), count / spent


def _children(parent: int) -> list[int]:
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def _megabytes(pids: Sequence[int]) -> float:
    """Memory that these processes hold for themselves (proportional set size)."""
    sizes = (Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return sum(int(text.split("Pss:")[1].split()[0]) for text in sizes) / 1024


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
