"""One worker process: started for one function version, called many times, killed on a timeout."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_RUNTIME = Path(__file__).with_name("runtime.py")
_LOG_LIMIT = 1_000_000
_PIECE = 1 << 16


class WorkerExitedError(RuntimeError):
    """The process ended while it was being asked or before it answered."""


class Worker:
    """`call` is for one caller at a time; the pool sees to that."""

    def __init__(
        self,
        name: str,
        fingerprint: str,
        folder: Path,
        code: Path,
        path: Sequence[Path],
        log_stream: str,
        environment: Mapping[str, str],
    ) -> None:
        self.name = name
        self.fingerprint = fingerprint
        self.log_stream = log_stream
        self.last_used = time.monotonic()
        self.answered = 0  # bytes of the last answer
        self._folder = folder
        (folder / "tmp").mkdir(parents=True)
        self._log = os.open(folder / "output", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._read_from = 0
        self._buffer = b""
        calls_out, self._calls = os.pipe()
        self._answers, answers_in = os.pipe()
        lifeline_out, self._lifeline = os.pipe()
        inherited = (calls_out, answers_in, lifeline_out)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-S", str(_RUNTIME), *map(str, inherited)],
                cwd=code,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=inherited,
                env={
                    **environment,
                    "TMPDIR": str(folder / "tmp"),
                    "HOME": str(folder),
                    "_WORKER_PATH": json.dumps([str(p) for p in path]),
                },
            )
        finally:
            for descriptor in inherited:
                os.close(descriptor)

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, message: Mapping[str, Any], seconds: float) -> dict[str, Any] | None:
        """The answer, or None when the time is over; WorkerExitedError when there is nobody to answer."""
        try:
            self._send(json.dumps(message).encode() + b"\n")
            line = self._receive(time.monotonic() + seconds)
        except OSError as error:
            raise WorkerExitedError(str(error)) from error
        if line is None:
            return None
        self.answered = len(line)
        return json.loads(line)  # type: ignore[no-any-return]

    def take_output(self) -> str:
        """What the process printed since the last time."""
        text = b""
        while piece := os.pread(self._log, _PIECE, self._read_from):
            text += piece
            self._read_from += len(piece)
            if len(piece) < _PIECE:
                break
        if self._read_from > _LOG_LIMIT:
            os.ftruncate(self._log, 0)
            self._read_from = 0
        return text.decode("utf-8", "replace").rstrip("\n")

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """End the process; whoever is waiting for its answer learns that it exited."""
        self._process.kill()
        self._process.wait()

    def kill(self) -> None:
        """End the process and everything it kept; only for who holds the worker, and only once."""
        self.end()
        for descriptor in (self._calls, self._answers, self._lifeline, self._log):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _send(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._calls, view) :]

    def _receive(self, deadline: float) -> bytes | None:
        poller = select.poll()
        poller.register(self._answers, select.POLLIN | select.POLLHUP)
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not poller.poll(left * 1000):
                return None
            chunk = os.read(self._answers, 1 << 20)
            if not chunk:
                raise WorkerExitedError("the process ended without an answer")
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line
