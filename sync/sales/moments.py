"""Days and times of the shop's clock, as people write them into addresses. Pure."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

EARLIEST, LATEST = 2000, 2100

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(?P<offset>[Zz]|[+-]\d{2}:\d{2})?"
)


def begin_of(text: str, zone: ZoneInfo) -> float:
    """A time, or when a day begins (unix seconds). Raises ValueError with what is wrong."""
    return _read(text, zone).timestamp()


def end_of(text: str, zone: ZoneInfo) -> float:
    """A time, or when a day is over (unix seconds). Raises ValueError with what is wrong."""
    at = _read(text, zone)
    return (at + timedelta(days=1) if _DAY.fullmatch(text) else at).timestamp()


def written(at: float, zone: ZoneInfo) -> str:
    """As the shop's clock showed it, with its offset (RFC 3339)."""
    return datetime.fromtimestamp(at, zone).isoformat()


def _read(text: str, zone: ZoneInfo) -> datetime:
    is_day, time = _DAY.fullmatch(text), _TIME.fullmatch(text)
    if _TIME.fullmatch(text.replace(" ", "+")) and " " in text:
        raise ValueError("has a blank where a + was meant: write it as %2B in an address")
    if not is_day and not time:
        raise ValueError(
            f"must be a day such as 2026-12-01 or a time such as 2026-12-01T19:00, by the clock "
            f"of {zone.key} unless it has an offset, not {text[:40]!r}"
        )
    try:
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        raise ValueError(f"is no day or time that there is: {text!r}") from None
    if not EARLIEST <= at.year <= LATEST:
        raise ValueError(f"must be in the years {EARLIEST} to {LATEST}")
    if at.tzinfo is not None:
        return at
    local = at.replace(tzinfo=zone)
    if time and datetime.fromtimestamp(local.timestamp(), zone).replace(tzinfo=None) != at:
        raise ValueError(f"clocks of {zone.key} were put forward over {text!r}: it never was")
    return local
