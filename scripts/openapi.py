"""Writes docs/openapi.json from the app's routes and shapes; `--check` only says whether it would change."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"


def text() -> str:
    """The document as it is committed: the deployed stages', with their tokens."""
    os.environ.setdefault("STAGE", "local")
    from app import app
    from chalicelib.handlers import openapi

    return json.dumps(openapi.document(app.routes), indent=2, ensure_ascii=False) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.openapi", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the committed document differs")
    args = parser.parse_args(argv)
    wanted = text()
    if TARGET.exists() and TARGET.read_text() == wanted:
        return 0
    if args.check:
        print(f"{TARGET.name} is out of date: run `python -m scripts.openapi`", file=sys.stderr)
        return 1
    TARGET.write_text(wanted)
    print(f"wrote {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
