"""Dead letters of all queues alike: list them, show them, take them back where they belong with a reason.

python -m scripts.redrive [--stage S] list | show QUEUE | redrive QUEUE --reason TEXT [--dry-run]
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib import logs, names
from scripts.dead_letters.letters import DeadLetter
from scripts.dead_letters.queues import DeadLetterQueues
from scripts.dead_letters.routes import NoWayBackError, Route, Router
from scripts.deployment import settings
from scripts.deployment.cli import connect, reported
from scripts.deployment.errors import DeploymentError

PEEK = 10


def list_queues(queues: DeadLetterQueues) -> None:
    """One line a queue: how many, how old (of the first few), from where, and why."""
    print(f"{'queue':<24} {'count':>6}  {'oldest seen':<12} source and error")
    for name, url in queues.urls().items():
        count = queues.count(url)
        with queues.held(url, PEEK if count else 0) as letters:
            oldest = min(letters, key=lambda letter: letter.sent_at, default=None)
            age = oldest.age(datetime.now(UTC)) if oldest else "-"
            errors = sorted({letter.error for letter in letters})
        source = ", ".join(source.rsplit("/", 1)[-1] for source in queues.sources(url)) or "-"
        print(
            f"{name:<24} {count:>6}  {age:<12} {source}" + "".join(f"\n{'':<46}{error}" for error in errors)
        )


def show(queues: DeadLetterQueues, url: str, limit: int) -> None:
    """Every letter with its age, receives, origin, error and content; personal data is left out."""
    with queues.held(url, limit) as letters:
        if not letters:
            print("no letters")
        for letter in letters:
            print(
                f"{letter.message_id}  {letter.age(datetime.now(UTC))} old, received {letter.receives} times"
            )
            print(f"  from a {letter.origin}: {letter.error}")
            print("  " + letter.shown().replace("\n", "\n  "))


def redrive(session: Any, queues: DeadLetterQueues, name: str, options: argparse.Namespace) -> int:
    """Takes letters back; answers how many could not be. Each is sent first and removed then."""
    url = _url(queues, name)
    router = Router(session, queues)
    stuck = done = 0
    with queues.held(url, options.limit) as letters:
        wanted = [one for one in letters if options.message_id in (None, one.message_id)]
        for letter in wanted:
            try:
                routes = router.routes(url, letter)
            except NoWayBackError as fault:
                stuck += 1
                print(f"{letter.message_id}  stays: {fault}")
                continue
            print(f"{letter.message_id}  → {', '.join(map(str, routes))}")
            if not options.dry_run:
                for route in routes:
                    router.deliver(route, letter, options.reason)
                queues.remove(url, letter)
                _log(name, letter, routes, options.reason)
                done += 1
    if options.message_id and not wanted:
        raise DeploymentError(f"no message {options.message_id!r} among {len(letters)} in {name}")
    if done:
        _announce(session, options.stage, name, done, options.reason)
    return stuck


def _log(queue: str, letter: DeadLetter, routes: Sequence[Route], reason: str) -> None:
    with logs.bound(**letter.ids):
        logs.info(
            "operator action", action="redrive", operator=getpass.getuser(), reason=reason, queue=queue,
            message_id=letter.message_id, to=[str(route) for route in routes], error=letter.error,
        )  # fmt: skip


def _announce(session: Any, stage: str, queue: str, count: int, reason: str) -> None:
    """The other operators, and the store of messages, learn of it."""
    sns = session.client("sns")
    wanted = f":{names.resource('order-notifications', stage)}"
    topics = (
        topic["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for topic in page["Topics"]
    )
    topic = next((arn for arn in topics if arn.endswith(wanted)), None)
    if topic is None:
        return
    action = {
        "action": "redrive",
        "operator": getpass.getuser(),
        "queue": queue,
        "count": count,
        "reason": reason,
    }
    sns.publish(
        TopicArn=topic,
        Subject=f"{count} dead letters of {queue} redriven"[:100],
        Message=json.dumps(action),
        MessageAttributes={"type": {"DataType": "String", "StringValue": "notification"}},
    )


def _url(queues: DeadLetterQueues, name: str) -> str:
    urls = queues.urls()
    if name not in urls:
        raise DeploymentError(f"no dead-letter queue {name!r}: one of {', '.join(urls) or 'none'}")
    return urls[name]


def _reason(text: str) -> str:
    if len(text.strip()) < 5:
        raise argparse.ArgumentTypeError("say why, in 5 characters at least")
    return text.strip()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m scripts.redrive", description=__doc__)
    top.add_argument("--stage", default="local")
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every dead-letter queue with its count, age, source and errors")
    for name in ("show", "redrive"):
        command = commands.add_parser(name)
        command.add_argument("queue", help="its name without the stage, such as order-processing-dlq")
        command.add_argument("--limit", type=int, default=1000, help="look at so many letters at most")
        if name == "redrive":
            command.add_argument("--reason", type=_reason, required=True)
            command.add_argument("--dry-run", action="store_true", help="say what would go where")
            command.add_argument("--message-id", help="this one only")
    return top


def main(argv: Sequence[str], session: Any = None, wait_seconds: int = 1) -> int:
    options = parser().parse_args(argv)

    def run() -> int:
        aws = session or connect(settings.load(options.stage))
        queues = DeadLetterQueues(aws, options.stage, wait_seconds)
        if options.command == "list":
            list_queues(queues)
        elif options.command == "show":
            show(queues, _url(queues, options.queue), options.limit)
        else:
            return 1 if redrive(aws, queues, options.queue, options) else 0
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
