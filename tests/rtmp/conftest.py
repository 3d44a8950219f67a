import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from mediaserver import flv
from mediaserver.encoder import AudioEncoder, VideoEncoder, VideoEncoding
from mediaserver.fanout import Fanout
from mediaserver.packet import EncodedPacket, TargetId
from mediaserver.rtmp.publisher import Timeouts
from mediaserver.target import Status, Target, TargetStatus
from tests.media import moving_frames
from tests.peers.certificates import Authority
from tests.peers.nginx_rtmp import Nginx, nginx_rtmp
from tests.peers.rtmp_record import TIMEOUT_S, RtmpRecord
from tests.rtmp.simulated import SimulatedTime

FPS = 30
SECONDS = 4
SIZE = (320, 192)


@pytest.fixture(scope="session")
def media() -> list[EncodedPacket]:
    """4 s of pictures, a keyframe a second, and of sound, with their headers first."""
    video = VideoEncoder(
        VideoEncoding(*SIZE, Fraction(FPS), 400_000, "ultrafast", keyframe_interval_s=1)
    )
    audio = AudioEncoder()
    packets = [
        packet
        for tick, frame in enumerate(moving_frames(SECONDS * FPS, *SIZE))
        for packet in video.encode(frame, tick)
    ]
    noise = np.random.default_rng(1).uniform(-0.1, 0.1, (2, 1024)).astype(np.float32)
    for index in range(SECONDS * 48_000 // 1024):
        packets += audio.encode(noise, index)
    return [video.header, audio.header, *sorted(packets, key=lambda packet: packet.dts)]


class Channel:
    """A fan-out with media of any length behind it: `play` sends the next packets."""

    def __init__(self, media: list[EncodedPacket]) -> None:
        self.fanout = Fanout(
            flv.on_metadata(
                width=SIZE[0],
                height=SIZE[1],
                fps=FPS,
                video_bitrate_bps=400_000,
                audio_bitrate_bps=128_000,
            )
        )
        for packet in media:
            if packet.is_header:
                self.fanout.publish(packet)
        self._media = [packet for packet in media if not packet.is_header]
        self._played = 0

    def play(self, count: int) -> list[EncodedPacket]:
        """Publish the next `count` packets."""
        packets = [self._packet(self._played + index) for index in range(count)]
        self._played += count
        for packet in packets:
            self.fanout.publish(packet)
        return packets

    def play_all(self) -> list[EncodedPacket]:
        return self.play(len(self._media))

    def _packet(self, index: int) -> EncodedPacket:
        lap, offset = divmod(index, len(self._media))
        packet = self._media[offset]
        dts = packet.dts + lap * SECONDS * 90_000
        return EncodedPacket(packet.kind, dts, packet.cts, packet.payload, packet.is_keyframe)


@pytest.fixture
def channel(media: list[EncodedPacket]) -> Channel:
    return Channel(media)


@pytest.fixture
async def time() -> SimulatedTime:
    return SimulatedTime()


class Watched:
    """A target and the history of its status."""

    def __init__(self, make: Callable[[Callable[[TargetStatus], None]], Target]) -> None:
        self.history: list[TargetStatus] = []
        self._changed = asyncio.Event()
        self.target = make(self._note)

    def _note(self, status: TargetStatus) -> None:
        self.history.append(status)
        self._changed.set()

    @property
    def statuses(self) -> list[Status]:
        return [status.status for status in self.history]

    async def until(self, status: Status, count: int = 1) -> TargetStatus:
        """Wait until the target has got that status for the `count`-th time."""
        async with asyncio.timeout(TIMEOUT_S):
            while self.statuses.count(status) < count:
                self._changed.clear()
                await self._changed.wait()
        return [s for s in self.history if s.status == status][count - 1]


MakeTarget = Callable[..., Watched]


@pytest.fixture
async def start(channel: Channel, time: SimulatedTime) -> AsyncIterator[MakeTarget]:
    """Starts a target, on simulated time, without jitter and, but after one that broke off soon,
    without trial; and stops it in the end."""
    started: list[Watched] = []

    def make(url: str, key: str = "key", **options: object) -> Watched:
        options = {"timeouts": QUICK, "rng": lambda: 0.0, "trial_s": 0.0, **options}
        watched = Watched(
            lambda on_change: Target(
                TargetId(f"target{len(started)}"),
                url,
                key,
                fanout=channel.fanout,
                clock=time,
                on_change=on_change,
                sleep=time.sleep,
                **options,  # type: ignore[arg-type]  # passed on as they are
            )
        )
        started.append(watched)
        watched.target.start()
        return watched

    yield make
    await asyncio.gather(*(watched.target.stop() for watched in started))


QUICK = Timeouts(connect_s=20, answer_s=20, stall_s=20, close_s=2)


@pytest.fixture(autouse=True)
def asyncio_has_nothing_to_say(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail where the loop has caught an error that nobody else did."""
    yield
    records = caplog.get_records("call")
    assert [record.getMessage() for record in records if record.name == "asyncio"] == []


@pytest.fixture
async def rtmp_record() -> AsyncIterator[RtmpRecord]:
    async with RtmpRecord() as peer:
        yield peer


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with nginx_rtmp(tmp_path_factory.mktemp("nginx")) as running:
        yield running


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def flv_path(tmp_path: Path) -> Path:
    return tmp_path / "received.flv"
