"""The Lambda runtime inside a worker process: JSON lines in on one descriptor, out on another.

Run as `python -S runtime.py READ_FD WRITE_FD`; it imports nothing of this repository.
Error types follow AWS's Python runtime (class name of the exception, or Runtime.*).
"""

import gc
import importlib
import json
import os
import sys
import threading
import time
import traceback
from typing import Any

_HERE = __file__


class LambdaContext:
    """The context object of docs.aws.amazon.com/lambda/latest/dg/python-context.html."""

    identity = None
    client_context = None

    def __init__(self, call: dict[str, Any]) -> None:
        self.function_name = call["name"]
        self.function_version = call["version"]
        self.invoked_function_arn = call["arn"]
        self.memory_limit_in_mb = str(call["memory"])
        self.aws_request_id = call["request_id"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline: float = call["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.time()) * 1000))


def _fault(error: BaseException, kind: str | None = None, message: str | None = None) -> dict[str, Any]:
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != _HERE]
    return {
        "errorMessage": message if message is not None else str(error),
        "errorType": kind or type(error).__name__,
        "stackTrace": traceback.format_list(frames),
    }


def _load(handler: str) -> Any:
    module_name, _, attribute = handler.replace("/", ".").rpartition(".")
    if not module_name:
        raise _InitError(
            {"errorType": "Runtime.MalformedHandlerName", "errorMessage": f"Bad handler {handler!r}"}
        )
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        text = f"Unable to import module '{module_name}': {error}"
        raise _InitError(_fault(error, "Runtime.ImportModuleError", text)) from error
    except SyntaxError as error:
        text = f"Syntax error in module '{module_name}': {error}"
        raise _InitError(_fault(error, "Runtime.UserCodeSyntaxError", text)) from error
    except BaseException as error:
        raise _InitError(_fault(error)) from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        text = f"Handler '{attribute}' missing on module '{module_name}'"
        raise _InitError(_fault(error, "Runtime.HandlerNotFound", text)) from error


class _InitError(Exception):
    def __init__(self, fault: dict[str, Any]) -> None:
        super().__init__(fault["errorMessage"])
        self.fault = fault


def _call(handler: Any, call: dict[str, Any]) -> dict[str, Any]:
    try:
        result = handler(call["event"], LambdaContext(call))
    except SystemExit as error:
        return {
            "exit": True,
            "error": {"errorType": "Runtime.ExitError", "errorMessage": _exit_text(call, error)},
        }
    except BaseException as error:
        print(f"[ERROR] {traceback.format_exc()}", end="")
        return {"error": _fault(error)}
    try:
        return {"result": json.loads(json.dumps(result, ensure_ascii=False, allow_nan=False))}
    except (TypeError, ValueError) as error:
        text = f"Unable to marshal response: {error}"
        return {"error": _fault(error, "Runtime.MarshalError", text)}


def _exit_text(call: dict[str, Any], error: SystemExit) -> str:
    status = error.code if isinstance(error.code, int) else int(error.code is not None)
    reason = f"exit status {status}" if status else "without providing a reason"
    prefix = "Runtime exited with error: " if status else "Runtime exited "
    return f"RequestId: {call['request_id']} Error: {prefix}{reason}"


def _follow_engine(lifeline: int) -> None:
    """Die with the engine: its end of this pipe closes however it ends, kill -9 included."""
    os.read(lifeline, 1)
    os._exit(1)


def main() -> None:
    calls = os.fdopen(int(sys.argv[1]), "r", encoding="utf-8")
    answers = os.fdopen(int(sys.argv[2]), "w", encoding="utf-8")
    threading.Thread(target=_follow_engine, args=(int(sys.argv[3]),), daemon=True).start()
    sys.path[:] = [p for p in sys.path if p != os.path.dirname(os.path.abspath(__file__))]
    sys.path[:0] = json.loads(os.environ.pop("_WORKER_PATH"))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)  # type: ignore[union-attr]
    handler, fault = None, None
    try:
        handler = _load(os.environ["_HANDLER"])
    except _InitError as error:
        fault = error.fault
        print(f"[ERROR] {fault['errorType']}: {fault['errorMessage']}")
    for number, line in enumerate(calls):
        if number == 1:  # what the first call left behind stays: it is not looked through for garbage again
            gc.freeze()
            gc.set_threshold(10_000, 20, 20)
        call = json.loads(line)
        os.environ.pop("_X_AMZN_TRACE_ID", None)
        if call["trace"]:
            os.environ["_X_AMZN_TRACE_ID"] = call["trace"]
        answer = {"error": fault, "exit": True} if fault else _call(handler, call)
        sys.stdout.flush()
        sys.stderr.flush()
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        if answer.get("exit"):
            os._exit(1)


if __name__ == "__main__":
    main()
