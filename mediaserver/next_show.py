"""The show whose products TikTok needs first. Pure."""

from collections.abc import Iterable

from mediaserver.state import ShowRecord
from sync.model import TIKTOK, ProductId

LATE_S = 6 * 3600.0
"""A show that should have begun so long ago still counts as one to come."""


def is_on_air(shows: Iterable[ShowRecord]) -> bool:
    return any(show.on_air for show in shows)


def next_rundown(shows: Iterable[ShowRecord], now: float) -> tuple[ProductId, ...]:
    """The products of the shows for TikTok that are on air, then of those to come, the soonest
    first, each product once."""
    coming = [show for show in shows if TIKTOK in show.channels and _is_coming(show, now)]
    coming.sort(key=lambda show: (not show.on_air, _begins(show, now), show.id))
    return tuple(dict.fromkeys(product for show in coming for product in show.rundown))


def _is_coming(show: ShowRecord, now: float) -> bool:
    return show.on_air or (show.ended_at is None and _begins(show, now) > now - LATE_S)


def _begins(show: ShowRecord, now: float) -> float:
    """One without a date may begin at any time, but after those that have one today."""
    return now + 24 * 3600.0 if show.starts_at is None else show.starts_at
