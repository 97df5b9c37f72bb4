"""Runs one invocation for the engine: function record and event in, the engine's result mapping out."""

import itertools
import json
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from .packages import Packages
from .pool import Pool, PoolBusyError
from .worker import Worker, WorkerExitedError

Config = Mapping[str, Any]
_RESPONSE_LIMIT = 6_291_556  # docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html


class Executor:
    """`credentials` gives the execution role's keys of a function; `endpoint` is where its boto3 calls go.

    `layers` gives the zips of a function's layers, in their order.
    """

    def __init__(
        self,
        folder: Path,
        endpoint: str,
        credentials: Callable[[Config], Mapping[str, str]],
        bound: Callable[[], int],
        per_function: int = 2,
        layers: Callable[[Config], Iterable[bytes]] = lambda config: (),
    ) -> None:
        self._folder = folder
        self._layers = layers
        self._endpoint = endpoint
        self._credentials = credentials
        self._packages = Packages(folder / "code")
        self._numbers = itertools.count()
        self._everyone: weakref.WeakSet[Worker] = weakref.WeakSet()
        self._guard = threading.Lock()
        self.pool: Pool[Worker] = Pool(bound, per_function)

    def run(
        self, config: Config, archive: bytes, event: Any, request_id: str, trace: str | None
    ) -> dict[str, Any]:
        """Invoke once. Keys of the result: body, log, log_source (its stream), error, throttle."""
        name = f"{config['FunctionArn']}:{config.get('Version', '$LATEST')}"
        try:
            worker = self.pool.acquire(name, _fingerprint(config), lambda: self._start(name, config, archive))
        except PoolBusyError as error:
            return _throttled(str(error))
        seconds = int(config.get("Timeout", 3))
        answer: dict[str, Any] | None = {"exit": True}
        size = 0
        log = ""
        try:
            answer = worker.call(_message(config, event, request_id, trace, seconds), seconds)
            size = worker.answered
            log = worker.take_output()
        except WorkerExitedError:
            log = worker.take_output()
            answer = {"exit": True, "error": _exited(request_id)}
        finally:
            self.pool.release(worker, usable=answer is not None and not answer.get("exit"))
        return _result(answer, size, log, request_id, seconds) | {"log_source": worker.log_stream}

    def close(self) -> None:
        """End all workers, those at work too, and remove their folders."""
        self.pool.close()
        with self._guard:
            for worker in self._everyone:
                worker.end()  # its caller still holds it, and gives it back to a closed pool
        self._packages.remove()

    def _start(self, name: str, config: Config, archive: bytes) -> Worker:
        code, runtime = self._packages.code(archive), self._packages.runtime()
        folder = self._folder / f"worker-{next(self._numbers)}"
        stream = (
            time.strftime("%Y/%m/%d/", time.gmtime())
            + f"[{config.get('Version', '$LATEST')}]{os.urandom(16).hex()}"
        )
        worker = Worker(
            name,
            _fingerprint(config),
            folder,
            code,
            [code, *self._packages.layered(self._layers(config)), runtime],
            stream,
            self._environment(config, code, stream),
        )
        with self._guard:
            self._everyone.add(worker)
        return worker

    def _environment(self, config: Config, code: Path, stream: str) -> dict[str, str]:
        """docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html; the reserved names win."""
        region = config["FunctionArn"].split(":")[3]
        version = config.get("Version", "$LATEST")
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "AWS_ENDPOINT_URL": self._endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            **((config.get("Environment") or {}).get("Variables") or {}),
            **self._credentials(config),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', 'python')}",
            "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
            "AWS_LAMBDA_FUNCTION_VERSION": version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": log_group(config),
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "LAMBDA_TASK_ROOT": str(code),
            "_HANDLER": config["Handler"],
        }


def log_group(config: Config) -> str:
    return (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"


def _fingerprint(config: Config) -> str:
    """Changes with whatever makes AWS start new execution environments."""
    parts = [
        config.get(k)
        for k in ("CodeSha256", "Layers", "Handler", "Environment", "Role", "MemorySize", "LoggingConfig")
    ]
    return repr(parts)


def _message(config: Config, event: Any, request_id: str, trace: str | None, seconds: int) -> dict[str, Any]:
    return {
        "event": event,
        "request_id": request_id,
        "trace": trace,
        "deadline": time.time() + seconds,
        "name": config["FunctionName"],
        "version": config.get("Version", "$LATEST"),
        "arn": config["FunctionArn"],
        "memory": config.get("MemorySize", 128),
    }


def _result(
    answer: Mapping[str, Any] | None, size: int, log: str, request_id: str, seconds: int
) -> dict[str, Any]:
    """`size` is that of the whole answer, in bytes."""
    if answer is None:
        text = f"RequestId: {request_id} Error: Task timed out after {seconds}.00 seconds"
        fault = {"errorType": "Sandbox.Timedout", "errorMessage": text}
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        log = f"{log}\n{stamp} {request_id} Task timed out after {seconds}.00 seconds".lstrip("\n")
        return {"body": fault, "error": True, "function_error": "Unhandled", "log": log}
    if "error" in answer:
        return {"body": answer["error"], "error": True, "function_error": "Unhandled", "log": log}
    if size > _RESPONSE_LIMIT and len(json.dumps(answer["result"])) > _RESPONSE_LIMIT:
        text = f"Response payload size exceeded maximum allowed payload size ({_RESPONSE_LIMIT} bytes)."
        fault = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": text}
        return {"body": fault, "error": True, "function_error": "Unhandled", "log": log}
    return {"body": answer["result"], "log": log}


def _exited(request_id: str) -> dict[str, str]:
    text = f"RequestId: {request_id} Error: Runtime exited without providing a reason"
    return {"errorType": "Runtime.ExitError", "errorMessage": text}


def _throttled(reason: str) -> dict[str, Any]:
    body = {
        "__type": "TooManyRequestsException",
        "message": f"Rate Exceeded: {reason}",
        "Reason": "ConcurrentInvocationLimitExceeded",
        "retryAfterSeconds": "1",
    }
    return {"throttle": True, "error": True, "body": body, "log": ""}
