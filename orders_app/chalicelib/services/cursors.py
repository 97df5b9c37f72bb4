"""Cursors of lists that go back in time: an opaque text for the last row's moment and id."""

import base64
import binascii
import json
from datetime import datetime

from chalicelib.domain import events
from chalicelib.domain.errors import FieldProblem, InvalidQueryError
from chalicelib.domain.json_values import parsed


def cursor(moment: datetime, row_id: str) -> str:
    position = json.dumps([events.timestamp(moment), row_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def position(text: str) -> tuple[datetime, str]:
    """Raises InvalidQueryError."""
    try:
        time, row_id = parsed(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        moment = events.parse_timestamp(time)
        if moment.tzinfo is None or not isinstance(row_id, str) or "\0" in row_id:
            raise ValueError
        row_id.encode()  # a lone surrogate cannot reach the database: UnicodeEncodeError is a ValueError
    except (ValueError, TypeError, binascii.Error) as error:
        problem = FieldProblem("parameter:cursor", "is not a cursor of this list")
        raise InvalidQueryError("the cursor cannot be read", [problem]) from error
    return moment, row_id
