"""Takes out one safeguard at a time and demands that some test fails."""

import argparse
import subprocess
import sys
import time
from pathlib import Path

SAFEGUARDS = {
    "outbox": "state and its event are one transaction",
    "keys": "the same Idempotency-Key makes one order",
    "inbox": "a repeated message has no second effect",
    "claim": "one execution owns an order",
    "guard": "only allowed transitions, and no lost update",
}
WHERE = ("tests/integration/postgres", "tests/faults")
_ROOT = Path(__file__).resolve().parent.parent


def run(*options: str) -> tuple[int, list[str], float]:
    """pytest's exit code, the tests that failed, and the seconds it took."""
    started = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-rf",
        "-m",
        "not slow",
        *WHERE,
        *options,
    ]
    done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True)
    failed = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    if done.returncode not in (0, 1):
        raise RuntimeError(
            f"pytest ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return done.returncode, failed, time.monotonic() - started


def main(argv: list[str]) -> int:
    """0 if the suite passes with every safeguard in place and fails without each of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("safeguards", nargs="*", metavar="NAME", help=f"of {', '.join(SAFEGUARDS)}")
    parser.add_argument(
        "--all-failures", action="store_true", help="do not stop at the first test that notices"
    )
    arguments = parser.parse_args(argv)
    chosen = arguments.safeguards or list(SAFEGUARDS)
    if unknown := set(chosen) - set(SAFEGUARDS):
        parser.error(f"unknown safeguard {', '.join(sorted(unknown))}")
    code, failed, seconds = run()
    print(f"{'everything in place':<20} {'passes' if code == 0 else 'FAILS'} in {seconds:.0f} s", flush=True)
    unnoticed = ["everything in place"] if code else []
    for name in chosen:
        options = ["--ablate", name] + ([] if arguments.all_failures else ["-x"])
        code, failed, seconds = run(*options)
        print(f"without {name:<12} {_told(failed)} in {seconds:.0f} s ({SAFEGUARDS[name]})", flush=True)
        unnoticed += [] if code == 1 and failed else [name]
    return 1 if unnoticed else 0


def _told(failed: list[str]) -> str:
    if not failed:
        return "NOT NOTICED"
    more = f" and {len(failed) - 1} more" if failed[1:] else ""
    return f"noticed by {failed[0].split('::')[-1]}{more}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
