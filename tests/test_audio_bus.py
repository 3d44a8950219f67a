import asyncio
import math
from collections.abc import AsyncIterator

import av
import numpy as np
import pytest

from mediaserver.audio_buffer import Samples
from mediaserver.clock import MonotonicClock
from mediaserver.fanout import Fanout, PacketQueue
from mediaserver.feed import Feed
from mediaserver.levels import Levels
from mediaserver.mixer import AudioBus
from mediaserver.packet import EncodedPacket, FeedId
from tests.media import tone

BLOCK = 1024


def fail(error: Exception) -> None:
    raise AssertionError(error)


def feed(name: str) -> Feed:
    return Feed(FeedId(name), name, clock=MonotonicClock(), admitted=True)


def speak(feed: Feed, level: float) -> None:
    """Let `feed` bring a tenth of a second of a constant, so that a mix is told by a sample."""
    feed.audio.write(0, np.full((2, 4800), level, np.float32))


class Ear:
    """Remembers the blocks it was given."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, Samples]] = []
        self._loop = asyncio.get_running_loop()
        self._heard = asyncio.Event()

    def hear(self, index: int, samples: Samples) -> None:
        self.blocks.append((index, samples))
        self._loop.call_soon_threadsafe(self._heard.set)

    def constants(self) -> set[float]:
        """The values of the blocks that are one value throughout."""
        return {float(samples[0, 0]) for _, samples in self.blocks if np.ptp(samples) == 0}

    def sound(self) -> Samples:
        return np.concatenate([samples for _, samples in self.blocks], axis=1)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.blocks) < count:
                self._heard.clear()
                await self._heard.wait()


@pytest.fixture
async def bus() -> AsyncIterator[AudioBus]:
    bus = AudioBus("test", clock=MonotonicClock(), on_failure=fail)
    yield bus
    await bus.stop()


async def test_a_listener_gets_each_block_of_the_mix(bus: AudioBus) -> None:
    ear, ann, bo = Ear(), feed("ann"), feed("bo")
    bus.listen([ann, bo])
    bus.listen_in(ear.hear, None)

    bus.start()
    await ear.until(1)
    speak(ann, 0.25)
    speak(bo, 0.5)
    await ear.until(10)

    assert [index for index, _ in ear.blocks[:10]] == list(range(10))
    assert all(samples.shape == (2, BLOCK) for _, samples in ear.blocks)
    assert all(samples.dtype == np.float32 for _, samples in ear.blocks)
    assert 0.75 in ear.constants()


async def test_a_host_hears_the_others_and_not_their_own_voice(bus: AudioBus) -> None:
    ears, feeds = [Ear(), Ear()], [feed("ann"), feed("bo")]
    bus.listen(feeds)
    for ear, own in zip(ears, feeds, strict=True):
        bus.listen_in(ear.hear, own.id)

    bus.start()
    await ears[1].until(1)
    speak(feeds[0], 0.25)
    speak(feeds[1], 0.5)
    await ears[1].until(10)

    assert ears[0].constants() == {0.0, 0.5}
    assert ears[1].constants() == {0.0, 0.25}


async def test_a_listener_who_leaves_hears_no_more(bus: AudioBus) -> None:
    gone, stays = Ear(), Ear()
    bus.listen_in(gone.hear, None)
    bus.listen_in(stays.hear, None)
    bus.stop_listening(gone.hear)

    bus.start()
    await stays.until(3)

    assert gone.blocks == []


async def test_the_end_is_a_fade_that_the_encoder_has_given_out(bus: AudioBus) -> None:
    ear, ann, fanout = Ear(), feed("ann"), Fanout()
    tone_block = np.full((2, BLOCK), 0.5, np.float32)
    bus.listen([ann])
    bus.listen_in(lambda index, _: ann.audio.write(index * BLOCK, tone_block), None)
    bus.listen_in(ear.hear, None)
    bus.add(fanout)
    headers = fanout.subscribe()

    bus.start()
    while 0.5 not in ear.constants():
        await ear.until(len(ear.blocks) + 1)
    begin = len(ear.blocks)
    await bus.fade_out()

    steepest = np.abs(np.diff(ear.sound()[0, (begin - 1) * BLOCK :].astype(float))).max()
    assert steepest <= 0.5 * np.pi / 2 / 960 + 1e-6
    assert not ear.blocks[-1][1].any()
    heard = decoded(headers, bus.taken(fanout))
    assert np.abs(heard).max() > 0.4
    assert np.abs(heard[:, -512:]).max() < 0.01


def decoded(headers: PacketQueue, packets: list[EncodedPacket]) -> Samples:
    """The sound in `packets`."""
    header = headers.pop()
    assert header is not None
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.extradata = header.payload[2:]
    frames = [
        frame for packet in packets for frame in decoder.decode(av.Packet(packet.payload[2:]))
    ]
    return np.concatenate([f.to_ndarray() for f in frames], axis=1)


async def test_the_loudness_of_the_whole_can_begin_again() -> None:
    taken: asyncio.Queue[Levels] = asyncio.Queue()
    bus = AudioBus("test", clock=MonotonicClock(), on_failure=fail, on_levels=taken.put_nowait)
    ann = feed("ann")
    hum = tone(1, 1000)
    bus.listen([ann])
    bus.listen_in(lambda index, _: ann.audio.write(index * BLOCK, at(hum, index)), None)
    bus.start()

    async with asyncio.timeout(20):
        while (await taken.get()).loudness.integrated < -30:
            pass
        ann.muted = True
        while (await taken.get()).loudness.momentary > -70:
            pass
        bus.measure_anew()
        while (await taken.get()).loudness.integrated > -math.inf:
            pass
    await bus.stop()


def at(sound: Samples, index: int) -> Samples:
    """A block of a sound of a second that goes round."""
    return np.take(sound, np.arange(index * BLOCK, (index + 1) * BLOCK), axis=1, mode="wrap")
