"""A page in a real Chromium, as wide as a phone and as a desk: what it measures, asks for, complains of."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE, DESK = "390", "1280"
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--disable-extensions", "--enable-logging=stderr", "--timeout=20000",
)  # fmt: skip
_HARNESS = Path(__file__).with_name("harness.html")


@dataclass(frozen=True)
class Found:
    """By width what the harness measured; the paths that were asked for; the browser's complaints."""

    measured: Mapping[str, Mapping[str, Any]]
    asked: list[str]
    complaints: list[str]


class NoChromiumError(Exception):
    """Nothing is tested without it: a test that is left out proves nothing."""


def executable() -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise NoChromiumError(f"none of {', '.join(NAMES)} is installed: apt-get install chromium")
    return found


def look_at(page: str, profile: Path, *, dark: bool = False) -> Found:
    """Opens the page in both widths; `profile` is a folder of its own for the browser, its HOME too."""
    with served({"/page.html": page, "/harness.html": _HARNESS.read_text()}) as (address, asked):
        scheme = f"--blink-settings=preferredColorScheme={0 if dark else 1}"
        command = [executable(), *FLAGS, scheme, f"--user-data-dir={profile}", "--dump-dom"]
        ran = subprocess.run(
            [*command, f"{address}/harness.html"],
            env=os.environ | {"HOME": str(profile)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    told = re.search(r'<pre id="found">(.*?)</pre>', ran.stdout, re.DOTALL)
    assert told, ran.stderr
    complaints = [line for line in ran.stderr.splitlines() if ":CONSOLE" in line]
    return Found(json.loads(html.unescape(told[1])), asked, complaints)


@contextmanager
def served(pages: Mapping[str, str]) -> Iterator[tuple[str, list[str]]]:
    """The pages on a port of the loopback: its address, and the paths that were asked for so far."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = pages.get(self.path, "").encode()
            self.send_response(200 if self.path in pages else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def main() -> int:
    try:
        executable()
    except NoChromiumError as error:
        print(f"make test-browser: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
