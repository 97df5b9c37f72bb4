"""Records the files that arrived; whether a run starts at once or later does not touch the record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.services.pipeline.model import BadMessageError
from chalicelib.services.pipeline.ports import Clock, Log, PipelineStore
from chalicelib.services.pipeline.read_arrivals import read_arrivals


@dataclass(frozen=True)
class Message:
    """One message of a queue."""

    message_id: str
    body: str


def record_arrivals(
    messages: Sequence[Message],
    *,
    store: PipelineStore,
    start_run: Callable[[], object],
    clock: Clock,
    log: Log,
    lake_bucket: str,
) -> list[str]:
    """Ids of the messages that are not S3 events: they alone go back to the queue.

    A fault of the database raises: the whole batch comes back, and recording twice is harmless.
    """
    files, bad = [], []
    for message in messages:
        try:
            files += read_arrivals(message.body, lake_bucket)
        except BadMessageError as error:
            log.warning("message refused", message_id=message.message_id, cause=str(error))
            bad.append(message.message_id)
    new = store.record(files, clock()) if files else 0
    log.info("arrivals recorded", files=len(files), new=new, refused=len(bad))
    if new:
        _start(start_run, log)
    return bad


def _start(start_run: Callable[[], object], log: Log) -> None:
    try:
        start_run()
    except Exception as error:  # the files are recorded: the schedule starts the run
        log.error("run not started after arrival", cause=f"{type(error).__name__}: {error}")
