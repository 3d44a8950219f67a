"""What became of a sender's pictures on their way through a relay to a feed."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import unpack

from mediaserver.packet import AccessUnit
from mediaserver.webrtc.rtp import TIMESTAMP_SIZE
from tests.webrtc.relay import UdpRelay

ON_ITS_WAY_S = 0.6
"""Pictures sent later than this before the end may still come."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Pictures from `since` to `until`, on the loop's clock.

    `delays_s` is how much later than the quickest picture of all each one came, by the time of
    its capture: the wait in the sender's queue counts. `longest_freeze_s` is between two arrivals.
    """

    sent: int
    lost: int
    longest_freeze_s: float
    delays_s: tuple[float, ...]
    rate_bps: float

    @property
    def lost_share(self) -> float:
        return self.lost / self.sent


def passage(relay: UdpRelay, units: Sequence[AccessUnit], since: float, until: float) -> Passage:
    """What `units`, all that a feed was given, say of the pictures sent in a time."""
    video = [unit for unit in units if unit.kind == "video"]
    came = {unit.timestamp % TIMESTAMP_SIZE for unit in video}
    sent = {
        timestamp for at, timestamp in _pictures(relay, came) if since <= at < until - ON_ITS_WAY_S
    }
    late = [unit.arrived_s - unit.timestamp / unit.clock_rate for unit in video]
    arrivals = [unit.arrived_s for unit in video if since <= unit.arrived_s < until]
    return Passage(
        len(sent),
        len(sent - came),
        max(b - a for a, b in itertools.pairwise([since, *arrivals, until])),
        tuple(
            behind - min(late)
            for unit, behind in zip(video, late, strict=True)
            if since <= unit.arrived_s < until
        ),
        relay.rate_bps(since, until),
    )


def _pictures(relay: UdpRelay, came: set[int]) -> Iterator[tuple[float, int]]:
    """Time and RTP timestamp of each video packet sent, retransmissions left out."""
    packets = [
        (d.at, d.head[1] & 0x7F, unpack("!I", d.head[4:8])[0])
        for d in relay.received
        if d.is_media and not 192 <= d.head[1] <= 223
    ]
    video = next((kind for _, kind, timestamp in packets if timestamp in came), None)
    return ((at, timestamp) for at, kind, timestamp in packets if kind == video)
