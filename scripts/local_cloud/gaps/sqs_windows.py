"""Gap: mappings know no batching window, so each message is a call of its own, and take 10 messages at most.

docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html#invocation-eventsourcemapping-batching:
a batch goes out when it has BatchSize messages, when its window is over, or at 6 MB. A window is an upper
limit; here it is over a fraction of a second after the batch before, so that who sends one message waits for
nothing, and a busy queue makes few calls.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import SeamError, function_at

LONGEST = 0.25
_BYTES = 5_500_000  # of bodies; records and their attributes take the rest of 6 MB
_AT_ONCE = 10  # what a mapping without a window takes at most


def install(context: Context) -> None:
    from ministack.core import concurrency
    from ministack.services import lambda_svc, sqs

    function_at(sqs, "_receive_messages_for_esm", "queue_url", "max_number")
    collect = function_at(sqs, "_collect_msgs", "q", "max_n", "vis_timeout")
    function_at(sqs, "_get_q", "url", "action")
    function_at(sqs, "_expire_retained", "q")
    function_at(sqs, "_dlq_sweep", "q")
    if lambda_svc._esm_wake is not concurrency.esm_wake:
        raise SeamError("lambda_svc no longer polls when concurrency.esm_wake is set")
    alarm = _Alarm(concurrency.esm_wake)
    taken: dict[str, float] = {}  # when a queue's last batch went out

    def receive(queue_url: str, max_number: int) -> list[dict[str, Any]]:
        with sqs._queues_lock:
            queue = sqs._get_q(queue_url)
            visible_for = int(queue["attributes"].get("VisibilityTimeout", "30"))
            sqs._expire_retained(queue)
            sqs._dlq_sweep(queue)
            window = _window(lambda_svc, queue)
            size = int(max_number or 1) if window else min(int(max_number or 1), _AT_ONCE)
            now = time.time()
            waiting = [message for message in queue["messages"] if message["visible_at"] <= now]
            due = is_due(waiting, size, window, taken.get(queue_url, 0.0), now)
            if due > now:
                alarm.at(due)
                return []
            if window and waiting:
                taken[queue_url] = now
            return list(collect(queue, fitting(waiting, size), visible_for))

    sqs._receive_messages_for_esm = receive
    lambda_svc._esm_wake = alarm


def is_due(waiting: Sequence[dict[str, Any]], size: int, window: float, before: float, now: float) -> float:
    """When these messages are to go out, if the batch before went out at `before`: now, or a little later."""
    if not waiting or len(waiting) >= size or fitting(waiting, size) < len(waiting):
        return now
    return max(now, before + min(window, LONGEST)) if window else now


def fitting(waiting: Sequence[dict[str, Any]], size: int) -> int:
    """How many of the first messages are one batch: at least one, at most `size`, within 6 MB."""
    room, count = _BYTES, 0
    for message in waiting[:size]:
        room -= len(message["body"])
        if room < 0 and count:
            break
        count += 1
    return max(count, 1)


def _window(lambda_svc: Any, queue: Any) -> float:
    """Of the mapping of this queue; two mappings of one queue compete, so the shorter window counts."""
    arn = queue["attributes"]["QueueArn"]
    windows = [
        float(esm.get("MaximumBatchingWindowInSeconds") or 0)
        for _, _, esm in lambda_svc._iter_all_esms()
        if esm.get("EventSourceArn") == arn and esm.get("Enabled", True)
    ]
    return min(windows, default=0.0)


class _Alarm:
    """The event that wakes the poller; it also wakes it at the end of a window."""

    def __init__(self, event: threading.Event) -> None:
        self._event, self._due = event, float("inf")

    def at(self, moment: float) -> None:
        """Only the poller sets and awaits moments, so there is no race."""
        self._due = min(self._due, moment)

    def wait(self, timeout: float) -> bool:
        left = self._due - time.time()
        if left < timeout:
            self._due = float("inf")
            return self._event.wait(max(0.0, left))
        return self._event.wait(timeout)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._event, name)
