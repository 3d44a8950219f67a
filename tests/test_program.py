import asyncio
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest

from compositor.geometry import Size
from compositor.overlay_spec import parse_overlays
from compositor.spec import parse_layout
from mediaserver.clock import MonotonicClock
from mediaserver.composition import Composition
from mediaserver.encoder import VideoEncoding
from mediaserver.errors import Conflict
from mediaserver.fanout import Fanout, PacketQueue
from mediaserver.feed import Feed
from mediaserver.mixer import AudioBus
from mediaserver.packet import CanvasId, EncodedPacket, FeedId, Kind
from mediaserver.program import Program
from mediaserver.stage import Drawings, Scene, drawings
from tests.control.until import until
from tests.media import opus_units, tone, video_units

ENCODING = VideoEncoding(320, 180, Fraction(30), 500_000, preset="ultrafast", keyframe_interval_s=1)


@pytest.fixture
async def audio() -> AsyncIterator[AudioBus]:
    bus = AudioBus("test", clock=MonotonicClock(), on_failure=fail)
    bus.start()
    yield bus
    await bus.stop()


@pytest.fixture
async def program(audio: AudioBus) -> AsyncIterator[Program]:
    program = Program(
        CanvasId("landscape"), ENCODING, audio=audio, clock=MonotonicClock(), on_failure=fail
    )
    yield program
    await program.stop()


def fail(error: Exception) -> None:
    raise AssertionError(error)


def scene(layout: dict[str, Any], *feeds: Feed, overlays: Any = ()) -> Scene:
    composition = Composition(parse_layout(layout), parse_overlays(list(overlays)))
    return Scene(composition, feeds)


async def packets(queue: PacketQueue, kind: Kind, count: int) -> list[EncodedPacket]:
    """The next `count` packets of `kind` that are not headers."""
    found: list[EncodedPacket] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            packet = await queue.get()
            if packet.kind == kind and not packet.is_header:
                found.append(packet)
    return found


def waiting(queue: PacketQueue, kind: Kind) -> EncodedPacket:
    """The first packet of `kind` that waits in `queue`."""
    while (packet := queue.pop()) is not None:
        if packet.kind == kind:
            return packet
    raise AssertionError(f"no {kind} packet waits")


def decoded(program: Program, video: list[EncodedPacket]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    queue = program.fanout.subscribe()
    header = waiting(queue, "video")
    decoder.extradata = header.payload[5:]
    frames = [f for packet in video for f in decoder.decode(av.Packet(packet.payload[5:]))]
    return frames + decoder.decode(None)


async def test_without_feeds_a_slate_with_silence_goes_out_at_a_steady_rate(
    program: Program,
) -> None:
    queue = program.fanout.subscribe()
    program.start()

    video = await packets(queue, "video", 45)

    steps = {later.dts - earlier.dts for earlier, later in pairwise(video)}
    assert all(step % 3000 == 0 for step in steps)
    slate = decoded(program, video)[-1].to_ndarray()[:180]
    assert slate.max() - slate.min() > 100  # text on a dark card


async def test_sound_and_picture_share_one_clock(program: Program) -> None:
    queue = program.fanout.subscribe()
    program.start()

    async with asyncio.timeout(20):
        seen = [await queue.get() for _ in range(120)]

    video = [p.dts for p in seen if p.kind == "video" and not p.is_header]
    audio = [p.dts for p in seen if p.kind == "audio" and not p.is_header]
    assert all(dts % 1920 == 0 for dts in audio)
    assert {b - a for a, b in pairwise(audio)} == {1920}
    assert abs(video[-1] - audio[-1]) < 90_000


async def test_admitted_feed_is_seen(program: Program, audio: AudioBus) -> None:
    feed = Feed(FeedId("phone"), "Ada", clock=MonotonicClock(), admitted=True)
    program.show(scene({"preset": "solo"}, feed))
    audio.listen([feed])
    feed.watch()
    queue = program.fanout.subscribe()
    program.start()
    for unit in video_units(30, size=(320, 180)):
        feed.push(unit)

    frames = decoded(program, await packets(queue, "video", 10))
    feed.unwatch()

    expected = feed.picture()
    assert expected is not None
    shown = frames[-1].to_ndarray()[:180].astype(int)
    assert np.mean(np.abs(shown - expected.frame.to_ndarray()[:180])) < 8


async def heard(audio: AudioBus, feed: Feed) -> float:
    """The loudest sample in what goes out after a second of a tone was pushed to `feed`."""
    fanout = Fanout()
    header = fanout.subscribe()
    audio.add(fanout)
    audio.listen([feed])
    feed.watch()
    for unit in opus_units(tone(0.15)):
        feed.push(replace(unit, arrived_s=time.monotonic()))
    decoder = av.CodecContext.create("aac", "r")
    decoder.extradata = waiting(header, "audio").payload[2:]
    taken: list[EncodedPacket] = []

    def enough() -> bool:
        taken.extend(audio.taken(fanout))
        return len(taken) >= 15

    await until(enough)
    loudest = 0.0
    for packet in taken:
        for frame in decoder.decode(av.Packet(packet.payload[2:])):
            assert isinstance(frame, av.AudioFrame)
            loudest = max(loudest, float(np.abs(frame.to_ndarray()).max()))
    feed.unwatch()
    audio.remove(fanout)
    return loudest


async def test_admitted_feed_is_heard(audio: AudioBus) -> None:
    feed = Feed(FeedId("phone"), "Ada", clock=MonotonicClock(), admitted=True)

    assert await heard(audio, feed) > 0.4


async def test_muted_and_waiting_feeds_are_not_heard(audio: AudioBus) -> None:
    muted = Feed(FeedId("phone"), "Ada", clock=MonotonicClock(), admitted=True)
    muted.muted = True
    waiting = Feed(FeedId("laptop"), "Bo", clock=MonotonicClock())

    assert await heard(audio, muted) < 0.01
    assert await heard(audio, waiting) < 0.01


async def test_snapshot_is_the_picture_on_the_canvas(program: Program) -> None:
    program.start()

    snapshot = await program.snapshot(timeout_s=20)

    assert (snapshot.width, snapshot.height) == (320, 180)


async def test_the_canvas_goes_on_while_overlays_are_drawn(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_draw = threading.Event()

    def slow_drawings(*scene_size_time: Any) -> Drawings:
        assert may_draw.wait(20)
        return drawings(*scene_size_time)

    monkeypatch.setattr("mediaserver.program.drawings", slow_drawings)
    program.start()
    red = {"kind": "ticker", "rect": [0, 0, 1, 1], "text": ".", "box": "#ff0000"}
    program.show(scene({"preset": "solo"}, overlays=[red]))

    async def redness() -> int:
        return int((await program.snapshot(20)).to_ndarray(format="rgb24")[5, 5, 0])

    meanwhile = [await redness() for _ in range(5)]
    may_draw.set()
    async with asyncio.timeout(20):
        while await redness() < 200:
            pass

    assert max(meanwhile) < 100


async def test_snapshot_of_a_program_that_stops_is_refused(audio: AudioBus) -> None:
    class StoppedClock(MonotonicClock):
        def now(self) -> float:
            return 0.0  # no tick is ever due

    program = Program(
        CanvasId("landscape"), ENCODING, audio=audio, clock=StoppedClock(), on_failure=fail
    )
    program.start()
    snapshot = asyncio.create_task(program.snapshot(timeout_s=20))
    await asyncio.sleep(0)

    await program.stop()

    with pytest.raises(Conflict, match="just stopped"):
        await snapshot


async def test_stopping_leaves_no_thread(audio: AudioBus) -> None:
    program = Program(
        CanvasId("portrait"), ENCODING, audio=audio, clock=MonotonicClock(), on_failure=fail
    )
    program.start()
    await program.snapshot(timeout_s=20)

    await program.stop()

    assert "canvas-portrait" not in {thread.name for thread in threading.enumerate()}


async def test_a_scene_that_cannot_be_drawn_leaves_the_last_drawings_until_the_next(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def spoilt(scene: Scene, size: Size, unix_s: float) -> Drawings:
        if "spoilt" in str(scene.composition.overlays):
            raise OSError("raster overflow")
        return drawings(scene, size, unix_s)

    monkeypatch.setattr("mediaserver.program.drawings", spoilt)
    program.start()
    text = {"kind": "text", "rect": [0, 0, 1, 1], "text": "spoilt"}
    red = {"kind": "ticker", "rect": [0, 0, 1, 1], "text": ".", "box": "#ff0000"}
    program.show(scene({"preset": "solo"}, overlays=[text]))
    async with asyncio.timeout(20):
        while not caplog.records:
            await program.snapshot(20)
    program.show(scene({"preset": "solo"}, overlays=[red]))

    async with asyncio.timeout(20):
        while (await program.snapshot(20)).to_ndarray(format="rgb24")[5, 5, 0] < 200:
            pass

    assert caplog.messages == ["a scene cannot be drawn; the last drawings stay"]


async def test_trouble_on_the_canvas_thread_is_reported(audio: AudioBus) -> None:
    failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
    program = Program(
        CanvasId("landscape"), ENCODING, audio=audio, clock=MonotonicClock(),
        on_failure=failed.set_result,
    )  # fmt: skip
    program.show(scene({"slots": []}, None))  # type: ignore[arg-type]  # the trouble
    program.start()

    assert isinstance(await asyncio.wait_for(failed, 20), AttributeError)
    await program.stop()
