"""A camera that draws and encodes as time goes by, with the time of capture in every picture."""

import asyncio
import time
from fractions import Fraction

import av

from bench import clips, timecode
from compositor.frame import yuv420
from mediaserver.demo.clip import h264_encoder
from mediaserver.demo.publisher import PacketTrack

PICTURES = 60


class TimecodeTrack(PacketTrack):
    """The content of clip `number`, each picture stamped when captured, encoded on the spot."""

    def __init__(self, number: int) -> None:
        super().__init__("video", Fraction(1, clips.FPS))
        self._pictures = list(clips.pictures(number, PICTURES))
        self._encoder = h264_encoder(
            *clips.SIZE, clips.FPS, clips.BITRATE_BPS, gop=clips.FPS, preset="ultrafast"
        )

    async def payload(self, number: int) -> bytes:
        return await asyncio.to_thread(self._captured, number)

    def _captured(self, number: int) -> bytes:
        captured_ms = time.monotonic_ns() // 1_000_000
        picture = self._pictures[number % PICTURES]
        timecode.burn(yuv420(picture).y, captured_ms)
        picture.pts = number
        picture.time_base = Fraction(1, clips.FPS)
        picture.pict_type = av.video.frame.PictureType.NONE
        return b"".join(bytes(packet) for packet in self._encoder.encode(picture))
