"""The first code in a job's process: runs the script as Glue does, and dies with the engine.

Started as `python runner.py LIFELINE_FD ERROR_FILE SCRIPT [ARGUMENT…]`; standard library only.
"""

import json
import os
import runpy
import signal
import sys
import threading
import traceback


def main(argv: list[str]) -> int:
    lifeline, error_file, script = int(argv[1]), argv[2], argv[3]
    threading.Thread(target=_die_with, args=(lifeline,), daemon=True).start()
    sys.argv = argv[3:]
    sys.path[0] = os.path.dirname(script)
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as stop:
        if stop.code in (None, 0):
            return 0
        _tell(error_file, f"SystemExit: {stop.code}", None)
        if isinstance(stop.code, str):
            print(stop.code, file=sys.stderr)
        return stop.code if isinstance(stop.code, int) else 1
    except BaseException as error:
        frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename == script]
        traceback.print_exception(error)
        summary = "".join(traceback.format_exception_only(error)).strip()
        _tell(error_file, summary, frames[-1].lineno if frames else None)
        return 1
    return 0


def _die_with(lifeline: int) -> None:
    """The engine holds the other end of the pipe; when it is gone, so are we and our Spark."""
    os.read(lifeline, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _tell(error_file: str, message: str, line: int | None) -> None:
    with open(error_file, "w", encoding="utf-8") as file:
        json.dump({"message": message, "line": line}, file)


if __name__ == "__main__":
    code = main(sys.argv)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
