"""The mix in Opus: what was said is heard at its place, by any number of listeners."""

import asyncio
from collections.abc import Iterable

import av
import numpy as np

from mediaserver.audio_buffer import Samples
from mediaserver.clock import MonotonicClock
from mediaserver.encoder import AAC_FRAME_SAMPLES
from mediaserver.mixer import AudioBus
from mediaserver.opus import (
    FRAME_SAMPLES,
    OpusEncoder,
    OpusPacket,
    OpusStream,
    OpusStreams,
)
from mediaserver.packet import OPUS_LOOKAHEAD_SAMPLES, FeedId

CLICK_AT = 20_000


def click(blocks: int) -> Samples:
    """Silence with a short noise at CLICK_AT, in both channels."""
    samples = np.zeros((2, blocks * AAC_FRAME_SAMPLES), np.float32)
    samples[:, CLICK_AT : CLICK_AT + 48] = 0.8
    return samples


def encoded(samples: Samples, left_out: Iterable[int] = ()) -> list[OpusPacket]:
    encoder = OpusEncoder()
    packets = []
    for index in range(samples.shape[1] // AAC_FRAME_SAMPLES):
        if index not in left_out:
            start = index * AAC_FRAME_SAMPLES
            packets += encoder.encode(index, samples[:, start : start + AAC_FRAME_SAMPLES])
    return packets


def decoded(packets: list[OpusPacket]) -> Samples:
    """What a player hears, each packet at its position; the show begins at 0."""
    decoder = av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = 48_000, "stereo"
    heard = np.zeros((2, packets[-1].position + FRAME_SAMPLES), np.float32)
    for packet in packets:
        for frame in decoder.decode(av.Packet(packet.payload)):
            samples = frame.to_ndarray().astype(np.float32).reshape(-1, 2).T / 32768
            start = packet.position
            if start >= 0:
                heard[:, start : start + FRAME_SAMPLES] = samples
    return heard


def test_a_click_is_heard_when_it_was_made() -> None:
    heard = decoded(encoded(click(30)))

    [first] = np.flatnonzero(np.abs(heard[0]) > 0.3)[:1]
    assert abs(first - CLICK_AT) < 48


def test_packets_follow_each_other_without_a_gap() -> None:
    packets = encoded(click(15))

    assert [packet.position for packet in packets] == [
        index * FRAME_SAMPLES - OPUS_LOOKAHEAD_SAMPLES for index in range(16)
    ]


def test_a_block_left_out_leaves_its_place_empty_and_shifts_nothing() -> None:
    packets = encoded(click(30), left_out=(5, 6))

    positions = [packet.position + OPUS_LOOKAHEAD_SAMPLES for packet in packets]
    assert positions[4:7] == [4 * FRAME_SAMPLES, 7 * AAC_FRAME_SAMPLES, 7168 + FRAME_SAMPLES]
    [first] = np.flatnonzero(np.abs(decoded(packets)[0]) > 0.3)[:1]
    assert abs(first - CLICK_AT) < 48


async def test_all_who_listen_to_the_same_mix_share_one_encode() -> None:
    audio = AudioBus("show", clock=MonotonicClock(), on_failure=lambda error: None)
    streams = OpusStreams()
    heard: dict[str, asyncio.Queue[OpusPacket]] = {name: asyncio.Queue() for name in "abc"}
    listeners = {name: queue.put_nowait for name, queue in heard.items()}
    streams.listen(audio, None, listeners["a"])
    streams.listen(audio, None, listeners["b"])
    streams.listen(audio, FeedId("ann"), listeners["c"])
    assert len(streams) == 2

    audio.start()
    async with asyncio.timeout(30):
        firsts = {name: await queue.get() for name, queue in heard.items()}
        assert firsts["a"] is firsts["b"]
        assert firsts["a"] is not firsts["c"]
        streams.leave(audio, None, listeners["a"])
        later = [await heard["b"].get() for _ in range(3)]
    streams.leave(audio, None, listeners["b"])
    streams.leave(audio, FeedId("ann"), listeners["c"])
    await audio.stop()

    assert later[-1].position >= firsts["b"].position + 3 * FRAME_SAMPLES
    assert len(streams) == 0


async def test_an_encoder_that_is_behind_loses_what_comes_and_counts_it() -> None:
    audio = AudioBus("show", clock=MonotonicClock(), on_failure=lambda error: None)
    stream = OpusStream(audio, None)
    block = np.zeros((2, AAC_FRAME_SAMPLES), np.float32)
    for index in range(5000):
        stream.heard(index, block)
    stream.stop()

    assert stream.blocks_dropped > 0
