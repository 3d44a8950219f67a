"""The feeds of a show added up, block by block: gain, mute and solo, a limiter, meters."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mediaserver.audio_buffer import CHANNELS, Samples
from mediaserver.encoder import AAC_FRAME_SAMPLES
from mediaserver.fader import Fader
from mediaserver.feed import Feed
from mediaserver.levels import LevelMeter, Levels, measured
from mediaserver.limiter import Limiter
from mediaserver.loudness import LoudnessMeter
from mediaserver.packet import FeedId

IMPOSSIBLE = 1000.0
"""Sound whose mean is 60 dB over full scale is what a decoder made of spoilt bytes."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """One block, (2, 1024): the mix, and by feed the mix without its voice. `levels` come ten
    times a second."""

    block: Samples
    without: Mapping[FeedId, Samples]
    levels: Levels | None


class Mix:
    """For one thread. A feed that is new fades in, one that is not given any more fades out."""

    def __init__(self) -> None:
        self._channels: dict[Feed, _Channel] = {}
        self._limiter = Limiter()
        self._limiters: dict[FeedId, Limiter] = {}
        self._meter = LevelMeter()
        self._loudness = LoudnessMeter()

    def following(
        self,
        feeds: Sequence[Feed],
        without: Collection[FeedId] = (),
        due_s: float | None = None,
    ) -> Mixed:
        """Read the next block of every feed and mix what is heard of them: those that are
        admitted and not muted, and, while an admitted one is soloed, only soloed ones.

        `due_s` is when the block begins: where the one before ended, unless said.
        """
        is_solo = any(feed.solo and feed.admitted for feed in feeds)
        for feed in feeds:
            if feed not in self._channels:
                self._channels[feed] = _Channel(feed)
        total, totals = _silence(), {key: _silence() for key in without}
        for feed, channel in list(self._channels.items()):
            if feed in feeds:
                gain = _gain(feed) if _is_heard(feed, is_solo) else 0.0
            else:
                gain = 0.0
                del self._channels[feed]
            samples = channel.following(gain, due_s)
            if samples is None:
                continue
            channel.fader.add(samples, total)
            for key, other in totals.items():
                if key != feed.id:
                    channel.fader.add(samples, other)
        self._limiters = {key: self._limiters.get(key) or Limiter() for key in without}
        block = self._limiter.limited(total)
        return Mixed(
            block,
            {key: self._limiters[key].limited(other) for key, other in totals.items()},
            self._measured(block),
        )

    def measure_anew(self) -> None:
        """Begin the integrated loudness again; may be called by another thread."""
        self._loudness = LoudnessMeter()

    def _measured(self, block: Samples) -> Levels | None:
        self._meter.add(*measured(block), block.size)
        loudness = self._loudness
        if not loudness.add(block):
            return None
        return Levels(
            {
                feed.id: channel.meter.take().at_gain(_gain(feed))
                for feed, channel in self._channels.items()
            },
            self._meter.take(),
            loudness.read(),
        )


class _Channel:
    """A feed's place in the mix."""

    def __init__(self, feed: Feed) -> None:
        self.meter = LevelMeter()
        self.fader = Fader()
        self._feed = feed

    def following(self, gain: float, due_s: float | None) -> Samples | None:
        """The feed's next block, on the way to the factor `gain`; None if nothing is heard."""
        samples = self._feed.hear(AAC_FRAME_SAMPLES, due_s)
        peak, energy = measured(samples)
        self.fader.turn(gain)
        if not energy < IMPOSSIBLE**2 * samples.size:
            return None
        self.meter.add(peak, energy, samples.size)
        return None if self.fader.is_closed else samples


def _is_heard(feed: Feed, is_solo: bool) -> bool:
    return feed.admitted and not feed.muted and (feed.solo or not is_solo)


def _gain(feed: Feed) -> float:
    return 1.0 if feed.gain_db == 0 else float(10 ** (feed.gain_db / 20))


def _silence() -> Samples:
    return np.zeros((CHANNELS, AAC_FRAME_SAMPLES), np.float32)
