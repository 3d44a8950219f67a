"""The thread on which one feed's access units become pictures and sound."""

import logging
import threading
from collections import deque
from collections.abc import Callable

import av

from compositor.scale import Scaler
from mediaserver.audio_buffer import Samples
from mediaserver.decoder import AudioDecoder, VideoDecoder
from mediaserver.packet import AccessUnit
from mediaserver.picture import Picture

log = logging.getLogger(__name__)

BACKLOG_UNITS = 64
"""Access units of a kind that may wait to be decoded, beside those held: a second of pictures."""


class DecodeThread:
    """Decodes in the order of `put` until `finish` or `abandon`; neither waits for the thread.

    A picture is held, still encoded, as many seconds as `hold_s` says, asked again after each
    packet of sound; sound does not wait for pictures that are held.
    `on_picture` and `on_sound` are called on the thread, `on_trouble` too, with the unit that
    could not be decoded. A unit that breaks the decoder costs the decoder, never the thread.
    """

    def __init__(
        self,
        name: str,
        *,
        untagged_matrix: int,
        hold_s: Callable[[AccessUnit], float],
        on_picture: Callable[[Picture, AccessUnit], None],
        on_sound: Callable[[int, Samples], None],
        on_trouble: Callable[[AccessUnit], None],
    ) -> None:
        self._name = name
        self._hold_s = hold_s
        self._on_picture = on_picture
        self._on_sound = on_sound
        self._on_trouble = on_trouble
        self._sound: deque[AccessUnit] = deque()
        self._pictures: deque[AccessUnit] = deque()
        self._came = threading.Condition()
        self._finishing = False
        self._giving = threading.Lock()
        self._abandoned = False
        self._last: Picture | None = None
        self._scaler = Scaler()
        self._untagged_matrix = untagged_matrix
        self._video = VideoDecoder(untagged_matrix)
        self._audio = AudioDecoder()
        threading.Thread(target=self._run, name=f"decode-{name}", daemon=True).start()

    def put(self, unit: AccessUnit) -> bool:
        """Take `unit`; False, and it is dropped, when too many wait already."""
        units = self._sound if unit.kind == "audio" else self._pictures
        with self._came:
            if len(units) >= BACKLOG_UNITS:
                return False
            units.append(unit)
            self._came.notify()
        return True

    def finish(self) -> None:
        """End when what waits is decoded; nothing is held any more."""
        with self._came:
            self._finishing = True
            self._came.notify()

    def abandon(self) -> None:
        """Give nothing out any more from this moment on, and end."""
        with self._giving:
            self._abandoned = True
        self.finish()

    def _next(self) -> AccessUnit | None:
        with self._came:
            while not self._abandoned:
                if self._sound:
                    return self._sound.popleft()
                wait_s = None
                if self._pictures:
                    wait_s = 0.0 if self._finishing else self._hold_s(self._pictures[0])
                    if wait_s <= 0:
                        return self._pictures.popleft()
                elif self._finishing:
                    return None
                self._came.wait(wait_s)
        return None

    def _run(self) -> None:
        while (unit := self._next()) is not None:
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
                with self._giving:
                    if not self._abandoned:
                        self._on_sound(position, samples)
            return
        for frame in self._video.decode(unit):
            picture = Picture(frame, unit.turns)
            if self._last is not None:
                picture.prepare_like(self._last, self._scaler)
            self._last = picture
            with self._giving:
                if not self._abandoned:
                    self._on_picture(picture, unit)
