"""Identifiers and the time of the real world."""

import secrets
import time
import uuid
from datetime import UTC, datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no letter is mistaken for a digit


def now() -> datetime:
    return datetime.now(UTC)


class RandomIds:
    """The port `Ids`: order ids sort by time, and nobody can guess the next one."""

    def order_id(self) -> str:
        number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
        return "ORD-" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))

    def event_id(self) -> str:
        return str(uuid.uuid4())

    def customer_id(self) -> str:
        return f"CUS-{secrets.token_hex(8).upper()}"
