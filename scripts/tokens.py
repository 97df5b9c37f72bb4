"""Gives out, lists and revokes the API's tokens; a token is shown once and kept as its hash only.

python -m scripts.tokens create --stage dev --subject shop --scopes orders:read,orders:write --days 90
"""

import argparse
import hashlib
import os
import re
import secrets
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import names
from chalicelib.adapters.secrets import SecretStore, database_url
from chalicelib.domain.errors import ConfigurationError, OrdersError
from chalicelib.handlers import local_run

SCOPES = ("orders:read", "orders:write", "ops")


def create(
    db: psycopg.Connection, subject: str, scopes: Sequence[str], days: int | None, now: datetime
) -> str:
    """A new random token of 256 bits; only its SHA-256 is stored. Returns the token."""
    token = f"ord_{secrets.token_urlsafe(32)}"
    expires = None if days is None else now + timedelta(days=days)
    db.execute(
        "INSERT INTO api_tokens (token_hash, subject, scopes, expires_at) VALUES (%s, %s, %s, %s)",
        (hashlib.sha256(token.encode()).hexdigest(), subject, list(scopes), expires),
    )
    return token


def listed(db: psycopg.Connection) -> list[tuple[str, str, str, str]]:
    """(id, subject, scopes, expiry) of every token; the id is the first 12 digits of its hash."""
    rows = db.execute(
        "SELECT token_hash, subject, scopes, expires_at FROM api_tokens ORDER BY subject, token_hash"
    )
    return [
        (digest[:12], subject, ",".join(scopes), expires.isoformat() if expires else "never")
        for digest, subject, scopes, expires in rows
    ]


def revoke(db: psycopg.Connection, token_id: str) -> int:
    """Forget the one token whose id starts like this; none and several are refused. Returns how many went."""
    if not re.fullmatch(r"[0-9a-f]{12,64}", token_id):
        raise ConfigurationError(f"{token_id!r} is no token id; `list` shows them")
    gone = db.execute("DELETE FROM api_tokens WHERE starts_with(token_hash, %s)", (token_id,)).rowcount
    if gone > 1:
        raise ConfigurationError(f"{token_id!r} names {gone} tokens; give more of its digits")
    return gone


def address(stage: str, given: str | None) -> str:
    """The database: as given, else `DATABASE_URL`, the running engine's, the stage's secret."""
    if stage == "local" and given is None:
        local_run.require(os.environ)
    url = given or os.environ.get("DATABASE_URL")
    if url:
        return url
    name = names.resource("order-database", stage)
    return database_url(SecretStore().read(name), name)


def main(argv: Sequence[str] | None = None) -> int:
    args = arguments(argv)
    try:
        with psycopg.connect(address(args.stage, args.database_url), connect_timeout=5) as db:
            return int(args.run(db, args))
    except (OrdersError, BotoCoreError, ClientError, psycopg.Error) as error:
        print(f"tokens: {error}".strip(), file=sys.stderr)
        return 1


def run_create(db: psycopg.Connection, args: argparse.Namespace) -> int:
    token = create(db, args.subject, args.scopes, args.days, datetime.now(UTC))
    print(f"# shown once; send it as `Authorization: Bearer …`\n{token}")
    return 0


def run_list(db: psycopg.Connection, args: argparse.Namespace) -> int:
    for row in listed(db):
        print("  ".join(row))
    return 0


def run_revoke(db: psycopg.Connection, args: argparse.Namespace) -> int:
    if revoke(db, args.id) == 0:
        print(f"tokens: there is no token {args.id}", file=sys.stderr)
        return 1
    print("revoked; the gateway may still know it for a minute")
    return 0


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.tokens", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--stage", required=True, choices=names.STAGES)
    common.add_argument("--database-url", help="instead of DATABASE_URL or the stage's secret")
    commands = parser.add_subparsers(required=True)
    new = commands.add_parser("create", parents=[common], help="make a token and show it once")
    new.add_argument("--subject", required=True, type=subject, help="whose orders the token sees")
    new.add_argument("--scopes", required=True, type=scopes, help=f"comma-separated: {', '.join(SCOPES)}")
    new.add_argument("--days", type=int, help="how long it is valid; for ever if not given")
    new.set_defaults(run=run_create)
    commands.add_parser("list", parents=[common], help="show who has tokens").set_defaults(run=run_list)
    old = commands.add_parser("revoke", parents=[common], help="forget a token")
    old.add_argument("id", help="as `list` shows it")
    old.set_defaults(run=run_revoke)
    return parser.parse_args(argv)


def subject(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", text) or text in ("local", "bus"):
        raise argparse.ArgumentTypeError(
            "1 to 64 letters, digits and . _ : - (no mail address); `local` and `bus` are taken"
        )
    return text


def scopes(text: str) -> list[str]:
    found = sorted({one.strip() for one in text.split(",")})
    if not set(found) <= set(SCOPES):
        raise argparse.ArgumentTypeError(f"scopes are {', '.join(SCOPES)}")
    return found


if __name__ == "__main__":
    sys.exit(main())
