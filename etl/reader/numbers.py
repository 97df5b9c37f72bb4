"""Numbers of the typed formats as what a text of them would say: single precision, and times of any year."""

import struct
from datetime import UTC, date, datetime, timedelta

_SINGLE = struct.Struct("<f")
_DIGITS = range(6, 10)  # 6 always survive a float of single precision, 9 always tell it from any other
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ERA = 146_097  # days of 400 years, after which the calendar is the same again
_DAY = 86_400_000_000


def single(value: float) -> float:
    """The shortest decimal that is this float of single precision, as numpy prints it (123456.79)."""
    for digits in _DIGITS:
        short = float(f"{value:.{digits}g}")
        try:
            if _SINGLE.unpack(_SINGLE.pack(short))[0] == value:
                return short
        except OverflowError:  # rounded beyond the largest
            continue
    return value


def day(days: int) -> date | str:
    """The date so many days after 1970-01-01; where Python has no such year, a text that no rule accepts.

    As DuckDB writes it: 10000-01-01, 0001-12-31 (BC).
    """
    try:
        return date(1970, 1, 1) + timedelta(days=days)
    except OverflowError:
        eras, rest = divmod(days, _ERA)
        near = date(1970, 1, 1) + timedelta(days=rest)
        year = near.year + 400 * eras
        return f"{year}-{near:%m-%d}" if year > 0 else f"{1 - year:04d}-{near:%m-%d} (BC)"


def moment(microseconds: int) -> datetime | str:
    """The time so many microseconds after 1970 began, UTC; of any year, like `day`."""
    try:
        return _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        days, rest = divmod(microseconds, _DAY)
        clock = (_EPOCH + timedelta(microseconds=rest)).time().isoformat()
        return f"{day(days)} {clock.rstrip('0') if '.' in clock else clock}"
