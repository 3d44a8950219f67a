"""Flash and beep from a real WebRTC sender, looked for in what the RTMP destination gets."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from aioice import ice

from mediaserver.app import Server
from mediaserver.demo.clip import OPUS_FRAME, SAMPLE_RATE, encoded_pictures, encoded_sound
from mediaserver.demo.publisher import LoopTrack, Publisher
from mediaserver.packet import FeedId, ShowId
from mediaserver.rtmp.events import MediaReceived
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.peers.rtmp_record import Recording, RtmpRecord

FPS = 30
PERIOD_FRAMES, FLASH_FRAMES = 15, 3
PERIOD_S = PERIOD_FRAMES / FPS
BEEP_S = 0.1
EVENTS = 5


def flash_pictures() -> tuple[bytes, ...]:
    """Half a second that begins white."""

    def frames() -> Iterator[av.VideoFrame]:
        for index in range(PERIOD_FRAMES):
            planes = np.full((180 * 3 // 2, 320), 128, np.uint8)
            planes[:180] = 235 if index < FLASH_FRAMES else 16
            yield av.VideoFrame.from_ndarray(planes, format="yuv420p")

    return encoded_pictures(frames(), FPS, 300_000, gop=PERIOD_FRAMES)


def beep_packets() -> tuple[bytes, ...]:
    """Half a second that begins with 1 kHz."""
    times = np.arange(round(PERIOD_S * SAMPLE_RATE)) / SAMPLE_RATE
    beep = np.where(times < BEEP_S, np.sin(2 * np.pi * 1000 * times), 0)
    return encoded_sound(np.asarray(beep * 16_000, np.int16))


class FlashAndBeep:
    """A publisher whose sound may be late on the wire; its timestamps and reports are true."""

    def __init__(self, url: str, token: str, sound_late_s: float = 0.0) -> None:
        self._video = LoopTrack("video", Fraction(1, FPS), flash_pictures())
        self._audio = LoopTrack("audio", Fraction(OPUS_FRAME, SAMPLE_RATE), beep_packets())
        self._publisher = Publisher(url, token, [self._video, self._audio])
        self._sound_late_s = sound_late_s
        self._late: set[asyncio.TimerHandle] = set()

    @property
    def beeps_after_flashes_s(self) -> float:
        """The tracks begin at moments of their own."""
        assert self._video._started_s is not None
        assert self._audio._started_s is not None
        return self._audio._started_s - self._video._started_s

    async def start(self) -> None:
        await self._publisher.start()
        [sender] = [s for s in self._publisher._connection.getSenders() if s.kind == "audio"]
        send: Callable[[bytes], Coroutine[None, None, None]] = sender.transport._send_rtp
        loop = asyncio.get_running_loop()

        async def send_late(data: bytes) -> None:
            is_rtcp = 192 <= data[1] <= 223  # RFC 5761 §4
            if is_rtcp or int.from_bytes(data[8:12], "big") != sender._ssrc:
                await send(data)
                return
            loop.call_later(self._sound_late_s, lambda: loop.create_task(send(data)))

        if self._sound_late_s:
            setattr(sender.transport, "_send_rtp", send_late)  # noqa: B010 - it is a method

    async def close(self) -> None:
        await self._publisher.close()


def flashes(media: list[MediaReceived]) -> list[float]:
    """When pictures turn from dark to bright, in seconds of the destination's timestamps."""
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    bright = []
    for message in media:
        if message.kind != "video":
            continue
        if message.payload[1] == 0:
            decoder.extradata = message.payload[5:]
            continue
        packet = av.Packet(message.payload[5:])
        packet.pts = message.timestamp_ms
        packet.time_base = Fraction(1, 1000)
        for frame in decoder.decode(packet):
            assert frame.pts is not None
            bright.append((frame.pts / 1000, frame.to_ndarray()[:180].mean() > 120))
    return [at for (_, before), (at, now) in pairwise(bright) if now and not before]


def beeps(media: list[MediaReceived]) -> list[float]:
    """When silence turns to sound."""
    decoder = av.CodecContext.create("aac", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    found: list[float] = []
    silent_since = float("inf")
    for message in media:
        if message.kind != "audio":
            continue
        if message.payload[1] == 0:
            decoder.extradata = message.payload[2:]
            continue
        for frame in decoder.decode(av.Packet(message.payload[2:])):
            assert isinstance(frame, av.AudioFrame)
            loud = np.flatnonzero(np.abs(frame.to_ndarray()[0]) > 0.1)
            if loud.size == 0:
                continue
            first_s = message.timestamp_ms / 1000 + loud[0] / SAMPLE_RATE
            if first_s - silent_since > BEEP_S:
                found.append(first_s)
            silent_since = message.timestamp_ms / 1000 + loud[-1] / SAMPLE_RATE
    return found


def skews(media: list[MediaReceived], beeps_after_flashes_s: float) -> list[float]:
    """How much too late each beep is, in seconds; all there are but for the ends."""
    heard = np.array(beeps(media))
    return [
        float(nearest - flash - beeps_after_flashes_s)
        for flash in flashes(media)[1:-1]
        for nearest in [heard[np.argmin(np.abs(heard - flash - beeps_after_flashes_s))]]
    ]


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


async def measured(server: Server, invited: Invited, recording: Recording) -> list[MediaReceived]:
    """What the destination gets in some seconds after sound and picture are in step."""
    show = await server.node.show(ShowId(invited.show))
    feed = show.feed(FeedId(invited.feed))
    while feed.stats().skew_s is None:
        await recording.until_messages(len(recording.media) + 1)
    await until_later(recording, PERIOD_S)
    begin = len(recording.media)
    await until_later(recording, (EVENTS + 1) * PERIOD_S)
    headers = [m for m in recording.media[:begin] if m.kind != "data" and m.payload[1] == 0]
    return headers + recording.media[begin:]


async def until_later(recording: Recording, seconds: float) -> None:
    """Wait until the destination has so much more of the show."""
    begin_ms = recording.media[-1].timestamp_ms
    while recording.media[-1].timestamp_ms < begin_ms + 1000 * seconds:
        await recording.until_messages(len(recording.media) + 1)


@pytest.mark.parametrize(("sound_late_s", "connections"), [(0.0, 1), (0.3, 2)])
async def test_flash_and_beep_reach_the_destination_together_also_after_a_reconnect(
    owner: Client,
    server: Server,
    invited: Invited,
    destination: RtmpRecord,
    loopback: None,
    sound_late_s: float,
    connections: int,
) -> None:
    await owner.patch(invited.feed_path, {"admitted": True})
    await owner.put(f"{invited.path}/canvases/landscape/layout", {"preset": "solo"})
    body = {"name": "Tube", "platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{invited.path}/targets", body, 201)
    await owner.post(f"{invited.path}/start")
    recording = await destination.recording()
    url = f"{server.base_url}/whip/{invited.show}"

    for _ in range(connections):
        host = FlashAndBeep(url, invited.token, sound_late_s)
        await host.start()
        try:
            found = skews(await measured(server, invited, recording), host.beeps_after_flashes_s)
        finally:
            await host.close()
        print("skew_ms", *(round(skew_s * 1000, 1) for skew_s in found))
        assert len(found) >= EVENTS - 2
        assert np.percentile(np.abs(found), 95) <= 0.040, found
