"""What the state machine `etl-workflow` asks of the platform: a run of its own under the same lock."""

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.services.pipeline.fail_run import end_failed
from chalicelib.services.pipeline.finish_run import (
    Finisher,
    check_facts,
    close,
    facts_of,
    read_marker,
    read_report,
    tell_left_out,
)
from chalicelib.services.pipeline.manifest import PUBLISHED_KEY, manifest_key
from chalicelib.services.pipeline.model import (
    FINAL,
    NOT_PUBLISHED,
    BadPayloadError,
    Driver,
    RawFile,
    Run,
    State,
)
from chalicelib.services.pipeline.start_run import Starter, claim_run, write


def prepare_run(finisher: Finisher, payload: Mapping[str, Any]) -> dict[str, Any]:
    """{"outcome": prepared | busy | nothing}, with the manifest of the prepared run.

    Asked again by the same `execution`, whose first answer may be lost, it answers that one's own run.
    """
    starter, execution = finisher.starter, payload.get("execution")
    claimed = claim_run(starter, Driver.WORKFLOW, execution)
    if claimed is not None:
        run, files = claimed
        try:
            return _prepared(starter, run, files)
        except Exception:
            starter.store.give_back(run)
            raise
    active = starter.store.active()
    if active is None:
        return {"outcome": "nothing"}
    if execution and active.execution == execution and active.state is State.STARTING:
        return _prepared(starter, active, starter.store.files_of(active.run_id))
    return {"outcome": "busy", "runId": active.run_id}


def _prepared(starter: Starter, run: Run, files: Sequence[RawFile]) -> dict[str, Any]:
    write(starter, run, list(files))
    manifest = starter.lake.uri(manifest_key(run.run_id))
    return {"outcome": "prepared", "runId": run.run_id, "manifest": manifest, "files": len(files)}


def check_run(finisher: Finisher, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Checks the tables of a workflow's run, closes it, and says what was found.

    Without a run it checks the lake as it stands, against the latest report, and closes nothing.
    """
    if "runId" not in payload:
        return check_lake(finisher)
    run, starter = _run(finisher, payload), finisher.starter
    now = starter.clock()
    if run.state in FINAL:
        return _answer(run)
    if run.state in NOT_PUBLISHED:  # the job succeeded: its marker may still be on its way
        report = read_report(finisher, run.run_id)
        run = _must(starter.store.advance(run, State.PUBLISHED, now, report=report), run)
        tell_left_out(finisher, run.run_id, report)
    if run.state is not State.CHECKING:
        run = _must(starter.store.advance(run, State.CHECKING, now), run)
    result = finisher.checker.check(facts_of(finisher, run))
    return _answer(_must(close(finisher, run, result), run))


def check_lake(finisher: Finisher) -> dict[str, Any]:
    """{"passed", "findings", "runId"} of the latest published run."""
    marker = read_marker(finisher, PUBLISHED_KEY)
    found = dict(finisher.checker.check(check_facts(finisher, marker["run_id"], marker)))
    return {**found, "runId": marker["run_id"]}


def fail_workflow_run(finisher: Finisher, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Lets go of the lock of a workflow's run that failed; what is published stays so.

    Takes `cause`, or a workflow's `failure` {"Error", "Cause"}; a time-out has no Cause.
    """
    run, cause = _run(finisher, payload), str(payload.get("cause") or _cause(payload.get("failure")))
    if run.state in NOT_PUBLISHED:
        run = _must(end_failed(finisher.starter, finisher.alerts, run, cause), run)
    elif run.state not in FINAL:
        finding = {"name": "workflow", "passed": False, "detail": cause}
        run = _must(close(finisher, run, {"passed": False, "findings": [finding]}), run)
    return _answer(run)


def _cause(failure: object) -> str:
    said = [failure.get(part) for part in ("Error", "Cause")] if isinstance(failure, Mapping) else []
    return ": ".join(str(one) for one in said if one) or "the workflow failed"


def _run(finisher: Finisher, payload: Mapping[str, Any]) -> Run:
    run_id = payload.get("runId")
    run = finisher.starter.store.get(run_id) if isinstance(run_id, str) else None
    if run is None:
        raise BadPayloadError(f"no run {run_id!r}")
    return run


def _must(changed: Run | None, run: Run) -> Run:
    if changed is None:
        raise BadPayloadError(f"run {run.run_id!r} was changed by somebody else meanwhile")
    return changed


def _answer(run: Run) -> dict[str, Any]:
    checks = run.report.get("checks") or {}
    failed = [one for one in checks.get("findings", ()) if not one.get("passed")]
    return {"outcome": run.state.value, "runId": run.run_id, "failedChecks": failed, "error": run.error}
