"""The thread on which one feed's access units become pictures and sound."""

import logging
import queue
import threading
from collections.abc import Callable

import av

from compositor.scale import Scaler
from mediaserver.audio_buffer import Samples
from mediaserver.decoder import AudioDecoder, VideoDecoder
from mediaserver.packet import AccessUnit
from mediaserver.picture import Picture

log = logging.getLogger(__name__)

BACKLOG_UNITS = 64
"""Access units that may wait: about 0.8 s of video and Opus together."""


class DecodeThread:
    """Decodes in the order of `put` until `finish` or `abandon`; neither waits for the thread.

    `on_picture` and `on_sound` are called on the thread, `on_trouble` too, with the unit that
    could not be decoded. A unit that breaks the decoder costs the decoder, never the thread.
    """

    def __init__(
        self,
        name: str,
        *,
        untagged_matrix: int,
        on_picture: Callable[[Picture], None],
        on_sound: Callable[[int, Samples], None],
        on_trouble: Callable[[AccessUnit], None],
    ) -> None:
        self._name = name
        self._on_picture = on_picture
        self._on_sound = on_sound
        self._on_trouble = on_trouble
        self._units: queue.SimpleQueue[AccessUnit | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._abandoned = False
        self._last: Picture | None = None
        self._scaler = Scaler()
        self._untagged_matrix = untagged_matrix
        self._video = VideoDecoder(untagged_matrix)
        self._audio = AudioDecoder()
        threading.Thread(target=self._run, name=f"decode-{name}", daemon=True).start()

    def put(self, unit: AccessUnit) -> bool:
        """Take `unit`; False, and it is dropped, when too many wait already."""
        if self._units.qsize() >= BACKLOG_UNITS:
            return False
        self._units.put(unit)
        return True

    def finish(self) -> None:
        """End when what waits is decoded."""
        self._units.put(None)

    def abandon(self) -> None:
        """Give nothing out any more from this moment on, and end."""
        with self._lock:
            self._abandoned = True
        self.finish()

    def _run(self) -> None:
        while (unit := self._units.get()) is not None and not self._abandoned:
            try:
                self._decode(unit)
            except av.FFmpegError as error:
                log.debug(
                    "unit_not_decoded feed=%s codec=%s error=%s", self._name, unit.codec, error
                )
                self._on_trouble(unit)
            except Exception:
                log.exception("decoder_failed feed=%s codec=%s", self._name, unit.codec)
                self._video = VideoDecoder(self._untagged_matrix)
                self._audio = AudioDecoder()
                self._on_trouble(unit)

    def _decode(self, unit: AccessUnit) -> None:
        if unit.kind == "audio":
            for position, samples in self._audio.decode(unit):
                with self._lock:
                    if not self._abandoned:
                        self._on_sound(position, samples)
            return
        for frame in self._video.decode(unit):
            picture = Picture(frame, unit.turns)
            if self._last is not None:
                picture.prepare_like(self._last, self._scaler)
            self._last = picture
            with self._lock:
                if not self._abandoned:
                    self._on_picture(picture)
