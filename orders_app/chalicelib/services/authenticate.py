"""Tokens: random, kept as hashes, each with a subject and scopes."""

import hashlib

from chalicelib.domain.commands import Principal
from chalicelib.services.ports import Clock, UnitOfWorkFactory


def token_hash(token: str) -> str:
    """Hex SHA-256; enough for 256 random bits, which nobody can guess from it."""
    return hashlib.sha256(token.encode()).hexdigest()


def authenticate(uow: UnitOfWorkFactory, clock: Clock, token: str) -> Principal | None:
    """Whose token it is, or None."""
    with uow() as tx:
        found = tx.tokens.principal(token_hash(token), clock())
    return Principal(found[0], frozenset(found[1])) if found else None
