"""The engine's process: set its environment, close its gaps, serve until told to stop, leave nothing."""

import asyncio
import contextlib
import gc
import logging
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from . import identifiers, remembered
from .gaps import Context, install_all

HOST = "127.0.0.1"


def prepare_environment(port: int, scratch: Path, *, enforce_iam: bool) -> None:
    """What the engine reads at import; nothing but the loopback, no Docker, no files outside `scratch`."""
    os.environ.update(
        AUTH="true" if enforce_iam else "false",
        GATEWAY_PORT=str(port),
        BIND_HOST=HOST,
        IOT_MTLS_ENABLED="0",
        LAMBDA_ACCOUNT_CONCURRENCY="0",  # it counts calls that wait for a worker; the pool is the bound
        SFTP_ENABLED="0",
        PERSIST_STATE="0",
        DOCKER_HOST=f"unix://{scratch}/no-docker.sock",
        TMPDIR=str(scratch / "tmp"),
        S3_DATA_DIR=str(scratch / "s3"),
        STATE_DIR=str(scratch / "state"),
    )
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)


def serve(
    port: int,
    state_dir: Path,
    ready_file: Path | None = None,
    lifeline: int | None = None,
    *,
    enforce_iam: bool = False,
) -> None:
    """Run until SIGINT, SIGTERM or the end of the process that holds the other end of `lifeline`."""
    scratch = state_dir / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "tmp").mkdir(parents=True)
    prepare_environment(port, scratch, enforce_iam=enforce_iam)
    context = Context(state_dir, scratch, f"http://{HOST}:{port}", enforce_iam)
    try:
        identifiers.install()
        remembered.install()
        install_all(context)
        _collect_less_often()
        listener = socket.create_server((HOST, port), backlog=1024)
        import uvloop

        uvloop.run(_serve(listener, ready_file, context, lifeline))
    finally:
        _end_helpers(context)
        shutil.rmtree(scratch, ignore_errors=True)
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
        logging.shutdown()


def _collect_less_often() -> None:
    """Whatever is there by now stays, and histories and logs are kept, too: little of it is ever garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


async def _serve(
    listener: socket.socket, ready_file: Path | None, context: Context, lifeline: int | None
) -> None:
    from ministack.app import app
    from uvicorn import Config, Server

    class Door(Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield  # they are ours: see below

    loop, port = asyncio.get_running_loop(), listener.getsockname()[1]
    config = Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,  # the engine writes its own
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    door = Door(config)

    def stop() -> None:
        door.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    if lifeline is not None:
        threading.Thread(target=_watch, args=(lifeline, loop, stop), daemon=True).start()
    announcement = asyncio.create_task(_announce(port, ready_file, context.endpoint))
    await door.serve(sockets=[listener])
    announcement.cancel()
    _end_helpers(context)  # now: the loop's end waits for its threads, and those for the answers of workers


def _end_helpers(context: Context) -> None:
    while context.on_stop:
        context.on_stop.pop()()


async def _announce(port: int, ready_file: Path | None, endpoint: str) -> None:
    """Say that the engine answers, on standard output and in the ready file."""
    reader, writer = await asyncio.open_connection(HOST, port)  # the socket listens; this waits to be served
    writer.write(b"GET /_ministack/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    await reader.readline()
    writer.close()
    if ready_file is not None:
        ready_file.write_text(endpoint + "\n")
    print(f"ready on {endpoint}", flush=True)


def _watch(lifeline: int, loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    os.read(lifeline, 1)
    loop.call_soon_threadsafe(stop)
