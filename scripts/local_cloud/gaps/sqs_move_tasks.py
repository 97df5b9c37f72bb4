"""Gap: StartMessageMoveTask, ListMessageMoveTasks and CancelMessageMoveTask are unknown.

docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at, value_at

Task = dict[str, Any]


def install(context: Context) -> None:
    from ministack.core.concurrency import spawn_background
    from ministack.services import sqs

    handlers = value_at(sqs, "_HANDLERS", dict)
    function_at(sqs, "_queue_by_arn", "arn")
    tasks: list[Task] = []

    def start(data: Mapping[str, Any], queue_url: str) -> dict[str, Any]:
        source = _source(sqs, data["SourceArn"])
        destination = data.get("DestinationArn")
        if destination and sqs._queue_by_arn(destination) is None:
            raise sqs._Err("ResourceNotFoundException", "The destination queue does not exist.", 404)
        if any(
            t["SourceArn"] == data["SourceArn"] and t["Status"] in ("RUNNING", "CANCELLING") for t in tasks
        ):
            raise sqs._Err("UnsupportedOperation", "There is already a task running for this queue.", 400)
        task = _task(data, len(source["messages"]))
        tasks.insert(0, task)
        spawn_background(_move, sqs, task, source, destination, thread_name="sqs-move-task")
        return {"TaskHandle": task["TaskHandle"]}

    def list_tasks(data: Mapping[str, Any], queue_url: str) -> dict[str, Any]:
        _source(sqs, data["SourceArn"])
        mine = [t for t in tasks if t["SourceArn"] == data["SourceArn"]]
        return {"Results": [_view(t) for t in mine[: int(data.get("MaxResults", 1))]]}

    def cancel(data: Mapping[str, Any], queue_url: str) -> dict[str, Any]:
        for task in tasks:
            if task["TaskHandle"] == data["TaskHandle"] and task["Status"] == "RUNNING":
                task["Status"] = "CANCELLING"
                return {"ApproximateNumberOfMessagesMoved": task["ApproximateNumberOfMessagesMoved"]}
        raise sqs._Err("ResourceNotFoundException", "There is no such running task.", 404)

    handlers.update(StartMessageMoveTask=start, ListMessageMoveTasks=list_tasks, CancelMessageMoveTask=cancel)


def _source(sqs: Any, arn: str) -> Any:
    """The queue, once some other queue names it as its dead-letter queue."""
    queue = sqs._queue_by_arn(arn)
    if queue is None:
        raise sqs._Err("ResourceNotFoundException", "The source queue does not exist.", 404)
    for _, other in sqs._queues.all_items():
        policy = json.loads(other["attributes"].get("RedrivePolicy") or "{}")
        if policy.get("deadLetterTargetArn") == arn:
            return queue
    raise sqs._Err("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.", 400)


def _task(data: Mapping[str, Any], messages: int) -> Task:
    rate = data.get("MaxNumberOfMessagesPerSecond")
    return {
        "TaskHandle": str(uuid.uuid4()),
        "Status": "RUNNING",
        "SourceArn": data["SourceArn"],
        **({"DestinationArn": data["DestinationArn"]} if data.get("DestinationArn") else {}),
        **({"MaxNumberOfMessagesPerSecond": int(rate)} if rate else {}),
        "ApproximateNumberOfMessagesMoved": 0,
        "ApproximateNumberOfMessagesToMove": messages,
        "StartedTimestamp": int(time.time() * 1000),
    }


def _view(task: Task) -> Task:
    """As AWS lists it: only a task that still runs shows its handle."""
    return {k: v for k, v in task.items() if k != "TaskHandle" or task["Status"] == "RUNNING"}


def _move(sqs: Any, task: Task, source: Any, destination: str | None) -> None:
    pause = 1 / task["MaxNumberOfMessagesPerSecond"] if "MaxNumberOfMessagesPerSecond" in task else 0.0
    while task["Status"] == "RUNNING":
        message = _take_visible(sqs, source)
        if message is None:
            task["Status"] = "COMPLETED"
            return
        origin = destination or (message.get("sys") or {}).get("DeadLetterQueueSourceArn", "")
        target = sqs._queue_by_arn(origin)
        if target is None:
            source["messages"].insert(0, message)
            reason = "AWS.SimpleQueueService.NonExistentQueue" if origin else "CouldNotDetermineMessageSource"
            task.update(Status="FAILED", FailureReason=reason)
            return
        _append_as_new(target, message)
        task["ApproximateNumberOfMessagesMoved"] += 1
        if pause:
            time.sleep(pause)
    task["Status"] = "CANCELLED"


def _take_visible(sqs: Any, source: Any) -> Any:
    now = time.time()
    with sqs._queues_lock:
        for message in source["messages"]:
            sqs._ensure_msg_fields(message)
            if message["visible_at"] <= now:
                source["messages"].remove(message)
                return message
    return None


def _append_as_new(target: Any, message: Mapping[str, Any]) -> None:
    """A redriven message is a new one: new id, new enqueue time, received by nobody yet."""
    from ministack.core.concurrency import esm_wake

    now = time.time()
    system = {k: v for k, v in (message.get("sys") or {}).items() if k != "DeadLetterQueueSourceArn"}
    system["SentTimestamp"] = str(int(now * 1000))
    fresh = {"id": str(uuid.uuid4()), "receipt_handle": None, "receive_count": 0, "first_receive_at": None}
    target["messages"].append({**message, **fresh, "sent_at": now, "visible_at": now, "sys": system})
    esm_wake.set()
