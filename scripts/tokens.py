"""Gives out, lists and revokes the API's tokens; a token is made and shown here once, only its hash is kept.

python -m scripts.tokens create --stage dev --subject shop --scopes orders:read,orders:write --days 90
"""

import argparse
import hashlib
import os
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalicelib import bootstrap, names
from chalicelib.config import Settings
from chalicelib.domain.errors import OrdersError
from chalicelib.handlers import local_run
from scripts.deployment import invocation, settings
from scripts.deployment.cli import connect, reported
from scripts.deployment.errors import DeploymentError

Manage = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def create(manage: Manage, subject: str, scopes: str, days: int | None) -> str:
    """A new random token of 256 bits, known to nobody else."""
    token = f"ord_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(token.encode()).hexdigest()
    wanted = [one.strip() for one in scopes.split(",")]
    manage({"action": "add", "tokenHash": digest, "subject": subject, "scopes": wanted, "days": days})
    return f"# shown once; send it as `Authorization: Bearer …`\n{token}"


def listed(manage: Manage) -> str:
    """A line for each token: id, subject, scopes, expiry."""
    found = manage({"action": "list"})["tokens"]
    return "\n".join(
        f"{one['id']}  {one['subject']}  {','.join(one['scopes'])}  {one['expiresAt'] or 'never expires'}"
        for one in found
    )


def revoke(manage: Manage, token_id: str) -> str:
    manage({"action": "revoke", "id": token_id})
    return "revoked; the gateway may still know it for a minute"


def manager(stage: str, database_url: str | None) -> Manage:
    """On a database that is at hand, else through the stage's function, which is inside its network."""
    if stage == "local" and database_url is None:
        local_run.require(os.environ)
        database_url = os.environ["DATABASE_URL"]
    if database_url:
        chosen = Settings(stage=stage, database_url=database_url)
        return bootstrap.build(chosen, bootstrap.adapters(chosen)).manage_tokens
    chosen_stage = settings.load(stage)
    return lambda request: invocation.call(connect(chosen_stage), chosen_stage, "manage-tokens", request)


def main(argv: Sequence[str] | None = None) -> int:
    args = arguments(argv)

    def run() -> int:
        try:
            print(args.run(manager(args.stage, args.database_url), args))
        except OrdersError as error:
            raise DeploymentError(str(error)) from error
        return 0

    return reported(run)


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.tokens", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--stage", required=True, choices=names.STAGES)
    common.add_argument("--database-url", help="work on this database instead of asking the stage's function")
    commands = parser.add_subparsers(required=True)
    new = commands.add_parser("create", parents=[common], help="make a token and show it once")
    new.add_argument("--subject", required=True, help="whose orders the token sees; no name, no mail address")
    new.add_argument("--scopes", required=True, help="comma-separated: orders:read, orders:write, ops")
    new.add_argument("--days", type=int, help="how long it is valid; for ever if not given")
    new.set_defaults(run=lambda manage, args: create(manage, args.subject, args.scopes, args.days))
    shown = commands.add_parser("list", parents=[common], help="show who has tokens")
    shown.set_defaults(run=lambda manage, args: listed(manage))
    old = commands.add_parser("revoke", parents=[common], help="forget a token")
    old.add_argument("id", help="as `list` shows it")
    old.set_defaults(run=lambda manage, args: revoke(manage, args.id))
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
