"""Takes files in again: those of a failed run, or whatever lies in the raw zone and was never recorded."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.services.pipeline.model import BadPayloadError, RawFile
from chalicelib.services.pipeline.read_arrivals import RAW_PREFIX, is_raw_data, kind_of
from chalicelib.services.pipeline.start_run import Starter, start_run


def reingest(starter: Starter, payload: object) -> dict[str, Any]:
    """{"runId"} makes a failed run's files pending again, {"scan": true} records what nobody announced.

    "maxQuarantinedShare" beside them holds for the run that is started now, and for its retries. "without"
    beside "runId" lists keys: their files stay with the failed run, until it is named without them.
    """
    if not isinstance(payload, Mapping):
        raise BadPayloadError(f"the payload is not a JSON object but {payload!r:.200}")
    starting = _with_share(starter, payload.get("maxQuarantinedShare"))
    if payload.get("scan") is True:
        count = starter.store.record(_unrecorded(starter), starter.clock())
    else:
        count = _requeued(starter, payload.get("runId"), payload.get("without", []))
    started = start_run(starting) if count else None
    starter.log.info("files taken in again", count=count, payload=dict(payload))
    return {"files": count, "startedRun": started.run_id if started else None}


def _with_share(starter: Starter, share: object) -> Starter:
    if share is None:
        return starter
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise BadPayloadError(f"maxQuarantinedShare {share!r} is not a number from 0 to 1")
    return replace(starter, rules=replace(starter.rules, max_quarantined_share=float(share)))


def _requeued(starter: Starter, run_id: object, without: object) -> int:
    run = starter.store.get(run_id) if isinstance(run_id, str) else None
    if run is None:
        raise BadPayloadError(f"no run {run_id!r}; give runId, or scan")
    known = [file.key for file in starter.store.files_of(run.run_id)]
    keys: list[Any] = without if isinstance(without, list) else [without]
    if strange := [key for key in keys if key not in known]:
        raise BadPayloadError(f"{strange[0]!r} is no key of a file of run {run.run_id!r}")
    return starter.store.requeue(run.run_id, keys)


def _unrecorded(starter: Starter) -> list[RawFile]:
    return [
        RawFile(
            bucket=starter.lake.bucket,
            key=found.key,
            version_id=found.version_id,
            etag=found.etag,
            size=found.size,
            sequencer="",
            kind=kind_of(found.key),
            object_time=found.modified,
        )
        for found in starter.objects.list(RAW_PREFIX)
        if is_raw_data(found.key)
    ]
