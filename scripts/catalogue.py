"""Brings a stage's catalogue to what a CSV file says: `python -m scripts.catalogue --stage dev FILE`.

Columns: id, name, price (decimal, in the stage's currency), stock (of a new product), retired (yes or empty).
"""

import argparse
import csv
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from chalicelib import bootstrap, names
from chalicelib.config import Settings
from chalicelib.domain.errors import OrdersError
from chalicelib.handlers import local_run
from scripts.deployment import invocation, settings
from scripts.deployment.cli import connect, reported
from scripts.deployment.errors import DeploymentError

COLUMNS = ("id", "name", "price", "stock", "retired")
Manage = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def read(file: Path) -> list[dict[str, str | int]]:
    """The rows as texts, each with its line; DeploymentError where it is not such a file."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.reader(text, strict=True)
            header = [one.strip() for one in next(rows, [])]
            if sorted(header) != sorted(COLUMNS):
                raise DeploymentError(f"{file}: the columns are {header}, not {', '.join(COLUMNS)}")
            found: list[dict[str, str | int]] = []
            for row in rows:
                if len(row) not in (0, len(COLUMNS)):
                    raise DeploymentError(
                        f"{file}: line {rows.line_num} has {len(row)} columns, not {len(COLUMNS)}"
                    )
                if row:
                    found.append({**dict(zip(header, row, strict=True)), "line": rows.line_num})
            return found
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DeploymentError(f"{file} cannot be read: {error}") from error


def manager(stage: str, database_url: str | None) -> Manage:
    """On a database that is at hand, else through the stage's function, which is inside its network."""
    if stage == "local" and database_url is None:
        local_run.require(os.environ)
        database_url = os.environ["DATABASE_URL"]
    chosen = settings.load(stage)
    if database_url:
        own = Settings(stage=stage, database_url=database_url, currency=chosen.currency)
        return bootstrap.build(own, bootstrap.adapters(own)).manage_catalogue
    session = connect(chosen)
    return lambda request: invocation.call(session, chosen, "migrate", {"catalogue": request})


def changed(manage: Manage, args: argparse.Namespace) -> str:
    """What was changed, or with `--dry-run` would be, a line each; DeploymentError with every fault."""
    request = {
        "products": read(args.file),
        "setStock": args.set_stock,
        "retireOthers": args.retire_others,
        "apply": not args.dry_run,
    }
    try:
        return "\n".join(manage(request)["changes"]) or "nothing to change"
    except OrdersError as error:
        raise DeploymentError(str(error)) from error


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.catalogue", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--stage", required=True, choices=names.STAGES)
    parser.add_argument("--set-stock", action="store_true", help="set it for products that exist, too")
    parser.add_argument("--retire-others", action="store_true", help="offer nothing that FILE does not name")
    parser.add_argument("--dry-run", action="store_true", help="show the plan and change nothing")
    parser.add_argument("--database-url", help="work on this database instead of asking the stage's function")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = arguments(argv)

    def run() -> int:
        print(changed(manager(args.stage, args.database_url), args))
        return 0

    return reported(run)


if __name__ == "__main__":
    sys.exit(main())
