"""Flash and beep from a real WebRTC sender, and how to find them in what RTMP carries.

`python -m tests.webrtc.flash_and_beep URL TOKEN` publishes by WHIP until it is ended, and prints
how much later than its flashes its beeps are, in seconds.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np

from mediaserver.demo.clip import OPUS_FRAME, SAMPLE_RATE, encoded_pictures, encoded_sound
from mediaserver.demo.publisher import LoopTrack, Publisher, publish_over_loopback
from mediaserver.rtmp.events import MediaReceived

FPS = 30
PERIOD_FRAMES, FLASH_FRAMES = 15, 3
PERIOD_S = PERIOD_FRAMES / FPS
BEEP_S = 0.1
TRACKS_BEGIN_S = 1.0
"""After the connection, at the latest."""


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

    async def ended(self) -> None:
        await self._publisher.ended()

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


async def _main(url: str, token: str) -> None:
    publish_over_loopback()
    host = FlashAndBeep(url, token)
    await host.start()
    try:
        await asyncio.sleep(TRACKS_BEGIN_S)
        print(host.beeps_after_flashes_s, flush=True)
        await host.ended()
    finally:
        await host.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
