"""Everything that the platform does, done once: the demo's orders, rare ends, data, schedules, redrive."""

import json
import subprocess
import sys
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from scripts.local_run.environment import ROOT
from scripts.local_run.outside import wait_until
from scripts.local_run.story import SCENES, Scene, play
from tests.live import Platform

LAKE = "order-lake-local-000000000000"
SCHEDULES = ("relay-outbox", "sweep-orders", "expire-reservations", "purge-expired", "start-etl-run")
SALES = (
    b"order_id,customer_id,product_id,quantity,price,order_date,region\n"
    b"9001,C001,P001,2,10.00,2019-03-01,North\n"
    b"9002,C001,P001,-1,10.00,2019-03-01,North\n"
)
RARE = (
    Scene(
        "capture refused",
        "the bank takes its word back",
        {
            "customer": {"name": "Gil", "email": "gil@example.com"},
            "items": [{"product": "Mouse", "quantity": 1}],
            "payment": {"token": "tok_capture_refused"},
        },
        "failed",
        lambda api, scene: [api.post("/orders", scene.body)],
    ),
    Scene(
        "undo refused",
        "an effect cannot be undone: a person is told",
        {
            "customer": {"name": "Hal", "email": "hal@example.com"},
            "items": [{"product": "Vintage Radio", "quantity": 1}],
            "payment": {"token": "tok_undo_refused"},
        },
        "compensation_failed",
        lambda api, scene: [api.post("/orders", scene.body)],
    ),
)


@dataclass(frozen=True)
class Traffic:
    """What came of it: scene → order id."""

    orders: dict[str, str] = field(default_factory=dict)


def make(platform: Platform) -> Traffic:
    """Asserts that each order ends as its scene wants, and each call succeeds."""
    assert platform.api.get("/health").status == 200
    upload(platform, "e2e-sales.csv", SALES)
    run = uuid.uuid4().hex  # the demo's keys are its scenes' names
    scenes = [replace(scene, name=f"{scene.name}-{run}".replace(" ", "-")) for scene in (*SCENES, *RARE)]
    played = [play(platform.api, scene) for scene in scenes]
    for scene, order_id, _ in played:
        platform.settled(order_id, scene.wanted)
    redrive(platform, "order-processing-queue", envelope(platform, played[0][1]))
    for schedule in SCHEDULES:
        platform.invoke(schedule)
    platform.invoke("export-customers")
    published(platform, "raw-data/e2e-sales.csv")
    return Traffic({scene.name.removesuffix(f"-{run}"): order_id for scene, order_id, _ in played})


def upload(platform: Platform, name: str, body: bytes) -> None:
    platform.client("s3").put_object(Bucket=LAKE, Key=f"raw-data/{name}", Body=body)


def published(platform: Platform, key: str) -> None:
    """Wait until the run with this file was published, crawled and checked."""
    query = (
        "SELECT r.state FROM pipeline_runs r JOIN pipeline_files f USING (run_id)"
        " WHERE f.key = %s AND r.ended_at IS NOT NULL"
    )
    wait_until(lambda: platform.rows(query, key), lambda rows: ("succeeded",) in rows, key, 120)


def envelope(platform: Platform, order_id: str) -> dict[str, Any]:
    [(found,)] = platform.rows(
        "SELECT envelope FROM event_log WHERE order_id = %s AND sequence = 1", order_id
    )
    result: dict[str, Any] = found
    return result


def redrive(platform: Platform, queue: str, body: Any) -> str:
    """One dead letter: operators are mailed about it, then it is taken back, and consumed; what was said."""
    dead = queue.replace("-queue", "-dlq")
    platform.client("sqs").send_message(QueueUrl=platform.queue(dead), MessageBody=json.dumps(body))
    platform.invoke("remind-dead-letters")
    wait_until(lambda: visible(platform, dead), lambda count: count == 1, "the letter's return", 150)
    command = [sys.executable, "-m", "scripts.redrive", "--stage", "local", "redrive", dead]
    done = subprocess.run(
        [*command, "--reason", "replayed by a test"],
        cwd=ROOT,
        env=platform.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in (dead, queue):
        wait_until(lambda name=name: platform.depth(name), lambda depth: depth == 0, f"{name} to be empty")  # type: ignore[misc]
    return done.stdout


def visible(platform: Platform, queue: str) -> int:
    name = "ApproximateNumberOfMessages"
    found = platform.client("sqs").get_queue_attributes(QueueUrl=platform.queue(queue), AttributeNames=[name])
    return int(found["Attributes"][name])
