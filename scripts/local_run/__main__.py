"""`python -m scripts.local_run {demo,run}`: bring the platform up, tell the story, and stop or stay."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from scripts.deployment.errors import DeploymentError
from scripts.local_cloud.launcher import EngineError
from scripts.local_run.progress import complain, say
from scripts.local_run.stack import API_PORT, LocalRunError, LocalStack, Running
from scripts.local_run.tell import tell


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.local_run", description=__doc__)
    parser.add_argument("what", choices=["demo", "run"])
    parser.add_argument("--engine", choices=["duckdb", "spark"], default="duckdb", help="for the data path")
    parser.add_argument("--no-story", action="store_true", help="with run: stay up at once")
    options = parser.parse_args(argv)
    if options.no_story and options.what == "demo":
        parser.error("demo is the story; --no-story goes with run")
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        say("The order platform, whole, on this machine:")
        with LocalStack(etl_engine=options.engine) as running:
            if not options.no_story:
                tell(running)
            if options.what == "run":
                stay(running)
    except KeyboardInterrupt:
        say("\nStopped; nothing is left running.")
        return 0 if options.what == "run" else 130
    except (LocalRunError, DeploymentError, EngineError, TimeoutError, RuntimeError) as error:
        complain(f"\nerror: {error}")
        return 1
    return 0


def stay(running: Running) -> None:
    """Keep everything up until Ctrl-C."""
    say(f"\nThe API is up: {running.api_url}")
    if not running.api_url.endswith(f":{API_PORT}"):
        say(f"(port {API_PORT} is taken by another program)")
    say(f"AWS commands and SDKs: AWS_ENDPOINT_URL={running.endpoint}")
    say("Ctrl-C stops it.")
    threading.Event().wait()


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
