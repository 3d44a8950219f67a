"""The process that plays the RTMP destinations, apart from everything that is measured.

It prints its port. For every line on its standard input it prints what came since the last one,
as JSON: `{key: {"bytes", "frames", "ages_ms": [left tile, right tile]}}`; it ends when that closes.
A stream key begins with what is done with it: `count`, `timecode` (decode every picture as it
arrives and read the times burnt into its two tiles), or `stall` (read nothing after the start).
"""

import asyncio
import socket
import time
from dataclasses import dataclass, field
from typing import cast

import av
import msgspec
from av.codec.context import Flags

from bench import timecode
from bench.job import TILES
from compositor.frame import region, yuv420
from mediaserver import flv
from mediaserver.demo.child import standard_input
from mediaserver.rtmp.events import MediaReceived, PublishRequested
from mediaserver.rtmp.server import ServerSession

LISTEN_BACKLOG = 256
STALLED_BUFFER_BYTES = 4096


@dataclass(slots=True)
class Received:
    """What one stream brought since it was last asked for."""

    bytes: int = 0
    frames: int = 0
    ages_ms: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))


class TimecodeReader:
    """Decodes H.264 as it arrives and says how old the picture in each tile is."""

    def __init__(self) -> None:
        self._decoder: av.VideoCodecContext | None = None

    def read(self, body: bytes, received: Received) -> None:
        tag = flv.video_tag(body)
        if tag.is_header:
            decoder = av.CodecContext.create("h264", "r")
            assert isinstance(decoder, av.VideoCodecContext)
            decoder.extradata = tag.data
            decoder.thread_count = 1
            decoder.flags |= Flags.low_delay
            self._decoder = decoder
        elif self._decoder is not None and tag.data:
            for frame in self._decoder.decode(av.Packet(tag.data)):
                now_ms = time.monotonic_ns() // 1_000_000
                for tile, ages_ms in zip(TILES, received.ages_ms, strict=True):
                    time_ms = timecode.read(region(yuv420(frame), tile).y)
                    if time_ms is not None:
                        ages_ms.append(timecode.age_ms(time_ms, now_ms))


class Connection(asyncio.Protocol):
    """One publisher; what it sends is accounted for in `streams` under its key."""

    def __init__(self, streams: dict[str, Received]) -> None:
        self._streams = streams
        self._session = ServerSession()
        self._reader: TimecodeReader | None = None
        self._key = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for event in self._session.receive(data):
            if isinstance(event, PublishRequested):
                self._key = event.key
                self._session.accept()
                if event.key.startswith("timecode"):
                    self._reader = TimecodeReader()
                elif event.key.startswith("stall"):
                    self._stall()
            elif isinstance(event, MediaReceived):
                self._media(event)
        self._transport.write(self._session.data_to_send())

    def _stall(self) -> None:
        """Read no more, and let the kernel take little: it would hide the stall for long."""
        connection = self._transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, STALLED_BUFFER_BYTES)
        self._transport.pause_reading()

    def _media(self, media: MediaReceived) -> None:
        received = self._streams.setdefault(self._key, Received())
        received.bytes += len(media.payload)
        if media.kind == "video":
            received.frames += 1
            if self._reader is not None:
                self._reader.read(media.payload, received)


async def serve() -> None:
    loop = asyncio.get_running_loop()
    streams: dict[str, Received] = {}
    server = await loop.create_server(
        lambda: Connection(streams), "127.0.0.1", 0, backlog=LISTEN_BACKLOG
    )
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        parent = await standard_input()
        while await parent.readline():
            print(msgspec.json.encode(streams).decode(), flush=True)
            streams.clear()


if __name__ == "__main__":
    asyncio.run(serve())
