"""Which show a LIVE room belongs to. Pure.

It is the one whose TikTok target was live when the first order of the room fell, unless a person
says otherwise.
"""

from collections.abc import Mapping, Sequence
from math import inf

import msgspec
import numpy as np

from sync.orders.order import RoomId

LOST_S = 600.0
"""How long after it was last seen a show still counts as live that nobody ended: TikTok keeps a
LIVE whose stream breaks off for a while, until it goes on or somebody ends it."""

AROUND_S = 30.0
"""How far TikTok's clock and ours may differ, and how long buyers of a LIVE that has ended take."""

_ROUNDED_S = 1.0
"""TikTok says when an order was placed in whole seconds."""


class Airing(msgspec.Struct, frozen=True):
    """A target of `show` on TikTok was live from `began_at` to `ended_at` (unix seconds). While
    that is None it was so at `seen_at`, and nobody has said that it is over."""

    id: str
    show: str
    target: str
    began_at: float
    seen_at: float
    ended_at: float | None = None


class Said(msgspec.Struct, frozen=True):
    """What a person says of a room: the show it belongs to, None for none of ours."""

    show: str | None
    by: str = ""
    at: float = 0.0


class Live(msgspec.Struct, frozen=True):
    """A LIVE room and its show. It is `confirmed` where a person said so; `candidates` are the
    shows that were live when its first order fell, at `first_at` (unix seconds), the likeliest
    first."""

    room: RoomId
    show: str | None
    first_at: float
    confirmed: bool = False
    candidates: tuple[str, ...] = ()


def lives(
    first_orders: Mapping[RoomId, float], airings: Sequence[Airing], said: Mapping[RoomId, Said]
) -> dict[RoomId, Live]:
    """Each room of `first_orders`, which says when its first order fell."""
    spans = _Spans(airings)
    return {room: _live(room, at, spans, said.get(room)) for room, at in first_orders.items()}


class _Spans:
    """Airings as columns: a shop has thousands of them, and as many rooms."""

    def __init__(self, airings: Sequence[Airing]) -> None:
        self._shows = [airing.show for airing in airings]
        self._began = np.array([airing.began_at for airing in airings], np.float64)
        self._certain = np.array([_until(airing, 0.0, 0.0) for airing in airings], np.float64)
        self._likely = np.array(
            [_until(airing, LOST_S, AROUND_S) for airing in airings], np.float64
        )
        is_lost = np.array([airing.ended_at is None for airing in airings], bool)
        self._likely[is_lost] = np.minimum(self._likely, _again_at(airings))[is_lost]

    def at(self, moment: float) -> tuple[str, ...]:
        """The shows that were live at `moment`, the one that began last first: who goes live while
        another show is on opens a new room. Where none was, those that were so about then, or
        whose end is not known."""
        found = np.flatnonzero((self._began < moment + _ROUNDED_S) & (moment < self._certain))
        if not len(found):
            has_begun = self._began <= moment + AROUND_S
            found = np.flatnonzero(has_begun & (moment < self._likely))
        latest_first = found[np.argsort(-self._began[found], kind="stable")]
        return tuple(dict.fromkeys(self._shows[index] for index in latest_first.tolist()))


def _again_at(airings: Sequence[Airing]) -> list[float]:
    """When the target of each airing was live again: whether it is over is then told by that."""
    found = [inf] * len(airings)
    next_began: dict[tuple[str, str], float] = {}
    for index in sorted(range(len(airings)), key=lambda index: -airings[index].began_at):
        airing = airings[index]
        found[index] = next_began.get((airing.show, airing.target), inf)
        next_began[airing.show, airing.target] = airing.began_at
    return found


def _until(airing: Airing, lost_s: float, around_s: float) -> float:
    return airing.seen_at + lost_s if airing.ended_at is None else airing.ended_at + around_s


def _live(room: RoomId, at: float, spans: _Spans, said: Said | None) -> Live:
    shows = spans.at(at)
    if said is not None:
        return Live(room, said.show, at, confirmed=True, candidates=shows)
    return Live(room, shows[0] if shows else None, at, candidates=shows)
