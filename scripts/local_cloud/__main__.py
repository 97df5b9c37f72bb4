"""`python -m scripts.local_cloud --port N --state-dir DIR`: run the engine in the foreground."""

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str]) -> int:
    from .launcher import PORT_TAKEN
    from .seams import SeamError
    from .server import serve

    parser = argparse.ArgumentParser(prog="python -m scripts.local_cloud", description=__doc__)
    parser.add_argument("--port", type=int, default=4566)
    parser.add_argument("--state-dir", type=Path, required=True, help="for its files while it runs")
    parser.add_argument("--ready-file", type=Path, help="gets the endpoint's URL once the engine answers")
    parser.add_argument("--lifeline", type=int, help="descriptor of a pipe: stop when its other end closes")
    parser.add_argument("--enforce-iam", action="store_true", help="deny what the deployed policies deny")
    arguments = parser.parse_args(argv)
    try:
        serve(
            arguments.port,
            arguments.state_dir.resolve(),
            arguments.ready_file,
            arguments.lifeline,
            enforce_iam=arguments.enforce_iam,
        )
    except (SeamError, OSError) as error:
        print(f"local cloud: {error}", file=sys.stderr)
        return PORT_TAKEN if getattr(error, "errno", None) == errno.EADDRINUSE else 1
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the engine's threads have nothing left to save
