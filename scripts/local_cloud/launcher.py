"""Start and stop the engine from Python: `with Engine(state_dir) as engine: … engine.endpoint`."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

_ROOT = Path(__file__).resolve().parents[2]
PORT_TAKEN = 98  # the engine's exit code then


class EngineError(RuntimeError):
    """The engine did not start, or ended by itself; the message carries the end of its log."""


class PortTakenError(EngineError):
    """Another program listens on its port."""


class Engine:
    """One engine process. It ends with this process, however this one ends."""

    def __init__(self, state_dir: Path | str, port: int | None = None, *, enforce_iam: bool = False) -> None:
        self.state_dir = Path(state_dir).resolve()
        self.port = port if port is not None else free_port()
        self.log_file = self.state_dir / "engine.log"
        self.iam_calls = self.state_dir / "iam-calls.jsonl"
        self._options = ["--enforce-iam"] if enforce_iam else []
        self._process: subprocess.Popen[bytes] | None = None
        self._lifeline = -1

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise EngineError("the engine is not running")
        return self._process.pid

    def start(self, seconds: float = 30.0) -> "Engine":
        """Return once the engine answers; EngineError with the end of its log when it does not."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        ready = self.state_dir / "endpoint"
        ready.unlink(missing_ok=True)
        lifeline, self._lifeline = os.pipe()
        command = [
            sys.executable,
            "-m",
            "scripts.local_cloud",
            "--port",
            str(self.port),
            "--state-dir",
            str(self.state_dir),
            "--ready-file",
            str(ready),
            "--lifeline",
            str(lifeline),
            *self._options,
        ]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(lifeline,),
                start_new_session=True,  # Ctrl-C reaches the caller, who then stops the engine in order
            )
        os.close(lifeline)
        deadline = time.monotonic() + seconds
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                kind = PortTakenError if self._process.poll() == PORT_TAKEN else EngineError
                self.stop()
                raise kind(f"the engine on port {self.port} did not start:\n{self._log_tail()}")
            time.sleep(0.02)
        return self

    def stop(self, seconds: float = 10.0) -> None:
        """End the engine and its workers; safe to call again."""
        process, self._process = self._process, None
        if self._lifeline >= 0:
            os.close(self._lifeline)  # the engine takes this as its order to stop
            self._lifeline = -1
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> "Engine":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _log_tail(self) -> str:
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-20:])


def start_somewhere(engine: Engine) -> Engine:
    """Start it on another port where somebody took its own since that was looked at, such as a second run."""
    try:
        return engine.start()
    except PortTakenError:
        engine.port = free_port()
        return engine.start()


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
