"""Keeps what a publisher sends as an .flv file."""

import asyncio
from typing import BinaryIO

from mediaserver import flv
from mediaserver.rtmp.events import MediaKind, MediaReceived

_TAG_TYPES: dict[MediaKind, flv.TagType] = {
    "audio": flv.TagType.AUDIO,
    "video": flv.TagType.VIDEO,
    "data": flv.TagType.SCRIPT,
}


class FlvRecorder:
    """A sink of `RtmpServer` that writes to `file`, which stays its opener's to close.

    `ended` is set after the last message; `clean` then tells whether the publisher said goodbye.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.bytes_received = 0
        self.clean = False
        self.ended = asyncio.Event()
        self._file = file
        file.write(flv.file_header())

    def receive(self, media: MediaReceived) -> None:
        self.bytes_received += len(media.payload)
        self._file.write(flv.tag(_TAG_TYPES[media.kind], media.timestamp_ms, media.payload))

    def end(self, *, clean: bool) -> None:
        self._file.flush()
        self.clean = clean
        self.ended.set()
