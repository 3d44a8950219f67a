"""The thread on which one feed's access units become pictures, where no canvas's thread does it."""

import logging
import threading
import time
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
RELIEVED_S = 0.2
"""So long after `decode_due` the thread leaves to its caller what comes."""

USUAL_OF = 16
"""Pictures, the latest of which count most."""

OnPicture = Callable[[Picture, AccessUnit], None]


class DecodeThread:
    """Decodes in the order of `put` until `finish` or `abandon`; neither waits for the thread.

    A picture is held, still encoded, as many seconds as `hold_s` says. Who needs one at certain
    times may decode what is due by itself then: the thread, which each picture would wake, rests
    while somebody does.
    `on_picture` is called on the thread, `on_trouble` on the one that decodes, with the unit that
    could not be decoded. A unit that breaks the decoder costs the decoder, never the thread.
    """

    def __init__(
        self,
        name: str,
        *,
        untagged_matrix: int,
        hold_s: Callable[[AccessUnit], float],
        on_picture: OnPicture,
        on_trouble: Callable[[AccessUnit], None],
    ) -> None:
        self.usual_s = float("inf")
        """Of a core, for a picture; not known before the first."""
        self._name = name
        self._hold_s = hold_s
        self._on_picture = on_picture
        self._on_trouble = on_trouble
        self._pictures: deque[AccessUnit] = deque()
        self._came = threading.Condition()
        self._rests = False
        self._relieved_until_s = float("-inf")
        self._finishing = False
        self._giving = threading.Lock()
        self._abandoned = False
        self._decoding = threading.Lock()
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
            if self._rests and not self._is_relieved():
                self._came.notify()
        return True

    def decode_due(self, on_picture: OnPicture) -> None:
        """Decode here what is not held any more, and call `on_picture` instead of the thread's."""
        self._relieved_until_s = time.monotonic() + RELIEVED_S
        with self._decoding:
            while (unit := self._next()) is not None:
                self._try(unit, on_picture)

    def relieve_no_more(self) -> None:
        """The thread is to decode again."""
        if self._is_relieved():
            self._relieved_until_s = float("-inf")
            with self._came:
                self._came.notify()

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

    def _is_relieved(self) -> bool:
        return time.monotonic() < self._relieved_until_s

    def _next(self) -> AccessUnit | None:
        """What is to be decoded now, if there is something."""
        with self._came:
            if self._abandoned or not self._pictures or self._held_s() > 0:
                return None
            return self._pictures.popleft()

    def _held_s(self) -> float:
        return 0.0 if self._finishing else self._hold_s(self._pictures[0])

    def _wait(self) -> bool:
        """Until the thread has something to decode; False when it is to end."""
        with self._came:
            while not self._abandoned:
                wait_s = None
                if self._pictures and (self._finishing or not self._is_relieved()):
                    wait_s = self._held_s()
                    if wait_s <= 0:
                        return True
                    wait_s = min(wait_s, LOOK_S)
                elif self._finishing:
                    return False
                self._rests = wait_s is None
                self._came.wait(wait_s)
                self._rests = False
        return False

    def _run(self) -> None:
        while self._wait():
            with self._decoding:
                unit = self._next()
                if unit is not None:
                    self._try(unit, self._on_picture)

    def _try(self, unit: AccessUnit, on_picture: OnPicture) -> None:
        try:
            self._decode(unit, on_picture)
        except av.FFmpegError as error:
            log.debug("unit_not_decoded feed=%s codec=%s error=%s", self._name, unit.codec, error)
            self._on_trouble(unit)
        except Exception:
            log.exception("decoder_failed feed=%s codec=%s", self._name, unit.codec)
            self._decoder = VideoDecoder(self._untagged_matrix)
            self._on_trouble(unit)

    def _decode(self, unit: AccessUnit, on_picture: OnPicture) -> None:
        begun_s = time.thread_time()
        frames = self._decoder.decode(unit)
        taken_s = time.thread_time() - begun_s
        if self.usual_s == float("inf"):
            self.usual_s = taken_s
        self.usual_s += (taken_s - self.usual_s) / USUAL_OF
        for frame in frames:
            picture = Picture(frame, unit.turns)
            if on_picture is self._on_picture and self._last is not None:
                picture.prepare_like(self._last, self._scaler)
            with self._giving:
                if not self._abandoned:
                    on_picture(picture, unit)
            self._last = picture
