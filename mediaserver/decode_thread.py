"""The thread on which one feed's access units become pictures."""

import logging
import threading
from collections import deque
from collections.abc import Callable

import av

from compositor.scale import Scaler
from mediaserver.decoder import VideoDecoder
from mediaserver.packet import AccessUnit
from mediaserver.picture import Picture

log = logging.getLogger(__name__)

BACKLOG_UNITS = 64
"""Pictures that may wait to be decoded, those that are held included: over a second."""
LOOK_S = 0.1
"""How often it is asked again how long a picture is to be held."""


class DecodeThread:
    """Decodes in the order of `put` until `finish` or `abandon`; neither waits for the thread.

    A picture is held, still encoded, as many seconds as `hold_s` says.
    `on_picture` is called on the thread, `on_trouble` too, with the unit that could not be
    decoded. A unit that breaks the decoder costs the decoder, never the thread.
    """

    def __init__(
        self,
        name: str,
        *,
        untagged_matrix: int,
        hold_s: Callable[[AccessUnit], float],
        on_picture: Callable[[Picture, AccessUnit], None],
        on_trouble: Callable[[AccessUnit], None],
    ) -> None:
        self._name = name
        self._hold_s = hold_s
        self._on_picture = on_picture
        self._on_trouble = on_trouble
        self._pictures: deque[AccessUnit] = deque()
        self._came = threading.Condition()
        self._finishing = False
        self._giving = threading.Lock()
        self._abandoned = False
        self._last: Picture | None = None
        self._scaler = Scaler()
        self._untagged_matrix = untagged_matrix
        self._decoder = VideoDecoder(untagged_matrix)
        threading.Thread(target=self._run, name=f"decode-{name}", daemon=True).start()

    def put(self, unit: AccessUnit) -> bool:
        """Take `unit`; False, and it is dropped, when too many wait already."""
        with self._came:
            if len(self._pictures) >= BACKLOG_UNITS:
                return False
            self._pictures.append(unit)
            if len(self._pictures) == 1:
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
                wait_s = None
                if self._pictures:
                    wait_s = 0.0 if self._finishing else self._hold_s(self._pictures[0])
                    if wait_s <= 0:
                        return self._pictures.popleft()
                    wait_s = min(wait_s, LOOK_S)
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
                self._decoder = VideoDecoder(self._untagged_matrix)
                self._on_trouble(unit)

    def _decode(self, unit: AccessUnit) -> None:
        for frame in self._decoder.decode(unit):
            picture = Picture(frame, unit.turns)
            if self._last is not None:
                picture.prepare_like(self._last, self._scaler)
            self._last = picture
            with self._giving:
                if not self._abandoned:
                    self._on_picture(picture, unit)
