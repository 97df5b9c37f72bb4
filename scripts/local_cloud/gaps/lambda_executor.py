"""Gap: the engine starts a process per concurrent call and calls every failure Runtime.HandlerError.

Ours runs Python functions in a bounded pool of workers, with AWS's error types, logs and timeouts.
"""

import os
from typing import Any

from scripts.local_cloud.seams import function_at, value_at
from scripts.local_cloud.workers.executor import Config, Executor

from . import Context

_LEAST_WORKERS = 12
_READY = {
    "State": "Active",
    "StateReason": "",
    "StateReasonCode": "",
    "LastUpdateStatus": "Successful",
    "LastUpdateStatusReason": "",
    "LastUpdateStatusReasonCode": "",
}


def install(context: Context) -> None:
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    other_runtimes = function_at(lambda_svc, "_execute_function_warm", "func", "event", "request_id")
    trace_of = function_at(lambda_svc, "_xray_trace_id_for_invocation", "config", "inbound_trace_header")
    credentials = function_at(lambda_runtime, "execution_credentials", "config")
    end_containers = function_at(lambda_svc, "_pool_kill_function", "account", "func_name")
    layer = function_at(lambda_svc, "_resolve_layer_zip", "attachment")
    value_at(lambda_svc, "_LAMBDA_STATE_TRANSITION_DELAY", float)
    become_ready = function_at(lambda_svc, "_schedule_state_transition", "func_name", "delay")
    functions = lambda_svc._functions

    def bound() -> int:
        wanted = os.environ.get("LOCAL_CLOUD_MAX_WORKERS")
        return int(wanted) if wanted else max(_LEAST_WORKERS, 2 * sum(1 for _ in functions.all_items()))

    def layers(config: Config) -> list[bytes]:
        return [archive for one in config.get("Layers") or () if (archive := layer(one))]

    folder = context.scratch / "workers"
    executor = Executor(folder, context.endpoint, credentials, bound, layers=layers)
    context.on_stop.append(executor.close)

    def execute(func: dict[str, Any], event: Any, request_id: str) -> Any:
        config = func.get("config") or func
        archive = func.get("code_zip")
        if not str(config.get("Runtime", "")).startswith("python"):
            return other_runtimes(func, event, request_id)
        if not archive:
            fault = {"errorType": "Runtime.InvalidPackage", "errorMessage": "the function has no code"}
            return {"body": fault, "error": True, "log": ""}
        return executor.run(config, archive, event, request_id, trace_of(config))

    def end_workers(account: str, func_name: str) -> None:
        end_containers(account, func_name)
        executor.pool.drop(lambda name: (name.split(":")[4], name.split(":")[6]) == (account, func_name))

    def be_ready(func_name: str, delay: float) -> None:
        """Before anybody looks: waiters sleep 5 s between looks. Versions follow as in the engine."""
        latest = (functions.get(func_name) or {}).get("config") or {}
        latest.update(_READY)
        become_ready(func_name, delay)

    lambda_svc._execute_function_warm = execute
    lambda_svc._schedule_state_transition = be_ready
    lambda_svc._pool_kill_function = end_workers
    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = 0.0
