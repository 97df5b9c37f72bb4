"""Our engine as a process: the loopback only, nothing left behind, gone with its parent. Not for AWS."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from scripts.local_cloud.launcher import Engine, PortTakenError, start_somewhere
from tests.contract.cloud import Cloud, archive, eventually
from tests.contract.conftest import AGAINST_AWS

pytestmark = pytest.mark.skipif(AGAINST_AWS, reason="about the local engine itself")
_SLEEPER = "import time\ndef handler(event, context):\n    time.sleep(event.get('seconds', 0))\n"
_PARENT = """
import sys, time
from scripts.local_cloud.launcher import Engine
engine = Engine(sys.argv[1]).start()
print(engine.pid, engine.endpoint, flush=True)
time.sleep(600)
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "engine") as engine:
        yield engine


def workers_of(engine: int) -> list[int]:
    """The living children of a process."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == engine and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def with_a_busy_worker(engine: Engine) -> list[int]:
    cloud = Cloud(engine.endpoint)
    client, function = cloud.client("lambda"), cloud.function(_SLEEPER, Timeout=60)
    client.invoke(FunctionName=function, Payload="{}")
    client.invoke(FunctionName=function, InvocationType="Event", Payload='{"seconds": 50}')
    return eventually(lambda: workers_of(engine.pid))


def test_engine_that_stops_leaves_its_log_and_nothing_else(own: Engine) -> None:
    pid, workers = own.pid, with_a_busy_worker(own)
    own.stop()
    assert not alive(pid)
    assert not any(map(alive, workers))
    assert [path.name for path in own.state_dir.iterdir()] == ["engine.log"]


def test_engine_that_stops_does_not_wait_for_a_call_that_somebody_waits_for(own: Engine) -> None:
    """Were it killed for that, its folders would stay."""
    cloud = Cloud(own.endpoint)
    function = cloud.function(_SLEEPER, Timeout=60)
    calls = cloud.at_once("lambda")
    waiting = threading.Thread(target=_call_in_vain, args=(calls, function))
    waiting.start()
    eventually(lambda: workers_of(own.pid))
    own.stop()
    waiting.join()
    assert [path.name for path in own.state_dir.iterdir()] == ["engine.log"]


def _call_in_vain(calls: Any, function: str) -> None:
    with contextlib.suppress(BotoCoreError, ClientError):
        calls.invoke(FunctionName=function, Payload='{"seconds": 50}')


def test_calls_that_wait_for_a_worker_throttle_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MiniStack's own limit counts those, too: a slow function's would have the API refused."""
    monkeypatch.setenv("LAMBDA_ACCOUNT_CONCURRENCY", "1")
    with Engine(tmp_path / "engine") as engine:
        cloud = Cloud(engine.endpoint)
        with_a_busy_worker(engine)
        answer = cloud.client("lambda").invoke(FunctionName=cloud.function(_SLEEPER), Payload="{}")
        assert "FunctionError" not in answer


def test_interrupt_stops_the_engine_cleanly(own: Engine) -> None:
    pid, workers = own.pid, with_a_busy_worker(own)
    os.kill(pid, signal.SIGINT)
    eventually(lambda: not alive(pid))
    assert not any(map(alive, workers))
    assert not (own.state_dir / "scratch").exists()


def test_workers_die_with_an_engine_that_was_killed(own: Engine) -> None:
    pid, workers = own.pid, with_a_busy_worker(own)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(map(alive, workers)))


def test_engine_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path / "engine")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, endpoint = parent.stdout.readline().split()
        cloud = Cloud(endpoint)
        cloud.client("lambda").invoke(FunctionName=cloud.function(_SLEEPER), Payload="{}")
        workers = workers_of(int(pid))
        assert workers
        parent.kill()
    eventually(lambda: not alive(int(pid)) and not any(map(alive, workers)))
    assert not (tmp_path / "engine" / "scratch").exists()


def test_mail_of_a_topic_can_be_read_in_the_state_folder(own: Engine) -> None:
    cloud = Cloud(own.endpoint)
    topic = cloud.topic()
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="operators@shop.example")
    cloud.client("sns").publish(TopicArn=topic, Subject="Look", Message="a person is needed")
    mail = json.loads((own.state_dir / "sns-mail.jsonl").read_text())
    assert (mail["to"], mail["subject"], mail["text"]) == (
        "operators@shop.example",
        "Look",
        "a person is needed",
    )


def test_only_the_loopback_listens(own: Engine) -> None:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    sockets = {row[9] for row in rows if row[3] == "0A" and not row[1].startswith("0100007F:")}
    rows6 = Path("/proc/net/tcp6")
    if rows6.exists():
        sockets |= {r.split()[9] for r in rows6.read_text().splitlines()[1:] if r.split()[3] == "0A"}
    mine = {os.readlink(link) for link in Path(f"/proc/{own.pid}/fd").iterdir()}
    assert not {f"socket:[{inode}]" for inode in sockets} & mine


def test_port_that_is_taken_is_named(own: Engine, tmp_path: Path) -> None:
    with pytest.raises(PortTakenError, match=str(own.port)):
        Engine(tmp_path / "second", own.port).start()


def test_engine_whose_port_was_taken_meanwhile_starts_on_another(own: Engine, tmp_path: Path) -> None:
    """As that of two runs that start at a time; other faults are not tried again."""
    second = Engine(tmp_path / "second", own.port)
    try:
        assert start_somewhere(second).endpoint != own.endpoint
        assert Cloud(second.endpoint).account == Cloud(own.endpoint).account
    finally:
        second.stop()
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="file"):
        start_somewhere(Engine(tmp_path / "file", own.port))


def test_function_is_ready_at_the_first_look(own: Engine) -> None:
    """A waiter looks again after 5 seconds: 44 functions would take minutes to deploy."""
    cloud = Cloud(own.endpoint)
    client, role = cloud.client("lambda"), cloud.role("lambda.amazonaws.com")
    for _ in range(30):
        name = cloud.name("function")
        client.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Role=role,
            Handler="app.handler",
            Code={"ZipFile": archive(_SLEEPER)},
        )
        found = client.get_function_configuration(FunctionName=name)
        assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")


def test_function_that_is_deployed_again_runs_its_new_code(own: Engine) -> None:
    """https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"""
    cloud = Cloud(own.endpoint)
    client = cloud.client("lambda")
    function = cloud.function("def handler(event, context):\n    return 1\n")
    assert client.invoke(FunctionName=function)["Payload"].read() == b"1"
    client.update_function_code(
        FunctionName=function, ZipFile=archive("def handler(event, context):\n    return 2\n")
    )
    client.get_waiter("function_updated_v2").wait(FunctionName=function)
    assert client.invoke(FunctionName=function)["Payload"].read() == b"2"
    assert len(workers_of(own.pid)) == 1
