"""`chalice local --stage local` beside the running engine serves the same API, and its order completes."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local_cloud.launcher import free_port
from scripts.local_run.outside import Api, wait_until
from tests.live import Platform

pytestmark = pytest.mark.e2e
APP = Path(__file__).resolve().parents[2] / "orders_app"


@pytest.fixture
def beside(platform: Platform, tmp_path: Path) -> Iterator[Api]:
    """Chalice's own local server, as a newcomer starts it: all that it knows is where `run.json` is."""
    port = free_port()
    chalice = Path(sys.executable).parent / "chalice"
    env = {k: v for k, v in platform.environment().items() if not k.startswith("AWS_")}
    env["PYTHONUNBUFFERED"] = "1"  # what it says at its start must not wait in a buffer
    with (tmp_path / "log").open("w+") as log:
        command = [str(chalice), "local", "--stage", "local", "--port", str(port)]
        process = subprocess.Popen(command, cwd=APP, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            said = wait_until(
                lambda: (tmp_path / "log").read_text(), lambda text: f":{port}" in text, "the server"
            )
            assert re.search(rf"http://127\.0\.0\.1:{port}", said)
            yield Api(f"http://127.0.0.1:{port}")
        finally:
            os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: its reloader has the server as a child
            process.wait()


def test_chalice_local_serves_the_same_api_beside_the_engine(platform: Platform, beside: Api) -> None:
    assert beside.get("/openapi.json") == platform.api.get("/openapi.json")
    assert beside.get("/products") == platform.api.get("/products")
    placed = beside.post("/orders", {"customer": "Beside", "items": [{"product": "Mouse", "quantity": 2}]})
    assert placed.status == 202, placed
    order_id = placed.body["orderId"]
    assert platform.settled(order_id) == "completed"
    wait_until(  # its record may still be written to, between the one answer and the other
        lambda: [api.get(f"/orders/{order_id}") for api in (beside, platform.api)],
        lambda answers: answers[0] == answers[1],
        "the same answer of both",
    )
