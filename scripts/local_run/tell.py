"""Tells the story once: plays the scenes, waits for each end, prints and records what the outside saw."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import boto3

from chalicelib import names
from chalicelib.domain.money import to_text
from scripts.local_run.lake_story import tell_sales
from scripts.local_run.outside import Api, Entry, Json, Post, delivered, ledger, wait_until
from scripts.local_run.progress import say, step
from scripts.local_run.stack import STAGE, Running
from scripts.local_run.story import SCENES, Told, addresses, await_end, expected_notices, play

QUEUES = (
    "order-processing-queue",
    "order-processing-dlq",
    "lake-export-queue",
    "lake-export-dlq",
    "bus-delivery-dlq",
)


@dataclass(frozen=True)
class Seen:
    """One scene with its money and its messages."""

    told: Told
    entries: Sequence[Entry]
    posts: Sequence[Post]

    def record(self) -> Json:
        """One entry of demo.json; amounts are decimal text, as the API and the tables of sales give them."""
        return {
            "id": self.told.order_id,
            "scenario": self.told.scene.name,
            "status": self.told.order["status"],
            "answers": [{"status": one.status, "body": one.body} for one in self.told.answers],
            "events": [event["type"] for event in self.told.events],
            "charges": [in_figures(one) for one in money(self.entries, "capture")],
            "refunds": [in_figures(one) for one in money(self.entries, "refund")],
            "ledger": [in_figures(one) for one in self.entries],
            "notifications": [{"channel": post.channel, "text": post.text} for post in self.posts],
        }


def tell(running: Running) -> None:
    """The whole story, and demo.json. Raises TimeoutError if anything gets stuck."""
    record = tell_orders(running)
    record["sales"] = tell_sales(record["orders"])
    write(running.folder / "demo.json", record)


def tell_orders(running: Running) -> Json:
    """Play every scene and print what happened."""
    api = Api(running.api_url)
    with step("Placing the orders, and cancelling two of them"):
        placed = [play(api, scene) for scene in SCENES]
    with step("Waiting until each of them is settled and its customer was told"):
        told = [await_end(api, *one) for one in placed]
        seen = wait_until(
            lambda: look(running, told),
            lambda seen: all(expected_posts(one.told) <= len(one.posts) for one in seen),
            "the notification of every customer",
        )
    for one in seen:
        describe(one)
    counts = queues()
    say("\nQueues (messages waiting):")
    for name, count in counts.items():
        say(f"  {name:28} {count}")
    return {"orders": [one.record() for one in seen], "queues": counts}


def look(running: Running, told: Iterable[Told]) -> list[Seen]:
    entries, posts = ledger(running.database_url), delivered(running.endpoint)
    return [
        Seen(one, entries.get(one.order_id, []), [post for post in posts if one.order_id in post.text])
        for one in told
    ]


def expected_posts(told: Told) -> int:
    """How many messages the customer must get: one for each outcome and address."""
    return sum(channel != "operators" for _, channel in expected_notices(told.scene))


def describe(seen: Seen) -> None:
    told = seen.told
    say(f"\n{told.order_id}  {told.scene.title}")
    say(f"  answers        {', '.join(str(one.status) for one in told.answers)}")
    say(f"  what happened  {' → '.join(event['type'] for event in told.events)}")
    say(f"  money          {'; '.join(map(in_words, seen.entries)) or 'nothing was asked of the bank'}")
    if not addresses(told.scene):
        say("  customer       left no address, so only the operators were told")
    for post in seen.posts:
        say(f"  {post.channel:14} {headline(post)}")
    say(f"  final state    {told.order['status']}")


def headline(post: Post) -> str:
    """Of a mail the line below its subject, which is the same whatever happened; an SMS is one line."""
    return post.text.splitlines()[1 if post.channel == "email" else 0]


def in_words(entry: Entry) -> str:
    return f"{entry.kind} {to_text(entry.amount, entry.currency)} {entry.currency} {entry.state}"


def in_figures(entry: Entry) -> Json:
    return {**vars(entry), "amount": to_text(entry.amount, entry.currency)}


def money(entries: Iterable[Entry], kind: str) -> list[Entry]:
    return [one for one in entries if one.kind == kind and one.state == "approved"]


def queues() -> dict[str, int]:
    sqs = boto3.client("sqs")
    counts = {}
    for name in QUEUES:
        url = sqs.get_queue_url(QueueName=names.resource(name, STAGE))["QueueUrl"]
        attribute = "ApproximateNumberOfMessages"
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])["Attributes"]
        counts[name] = int(found[attribute])
    return counts


def write(file: Path, record: Json) -> None:
    file.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    say(f"\nEverything above, as data: {file}")
