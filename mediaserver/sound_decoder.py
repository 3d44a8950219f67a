"""One feed's access units of sound, decoded by whoever listens, when it listens."""

import logging
import threading
from collections import deque
from collections.abc import Callable

import av

from mediaserver.audio_buffer import Samples
from mediaserver.decoder import AudioDecoder
from mediaserver.packet import AccessUnit

log = logging.getLogger(__name__)

BACKLOG_UNITS = 64
"""Over a second of Opus; older units make room for newer ones."""


class SoundDecoder:
    """Keeps units until one thread decodes all that wait. A block of the mix is read when its time
    is over, so sound is in time when it is decoded right before, and wakes no thread of its own.

    `on_sound` gets each unit's samples with their position and the time at which it arrived,
    `on_trouble` the unit that could not be decoded, both on the thread that decodes. A unit that
    breaks the decoder costs the decoder, never the thread.
    """

    def __init__(
        self,
        name: str,
        *,
        on_sound: Callable[[int, Samples, float], None],
        on_trouble: Callable[[AccessUnit], None],
    ) -> None:
        self._name = name
        self._on_sound = on_sound
        self._on_trouble = on_trouble
        self._units: deque[AccessUnit] = deque(maxlen=BACKLOG_UNITS)
        self._giving = threading.Lock()
        self._abandoned = False
        self._decoder = AudioDecoder()

    def put(self, unit: AccessUnit) -> None:
        """Take `unit`; any thread may."""
        self._units.append(unit)

    def abandon(self) -> None:
        """Give nothing out any more from this moment on."""
        with self._giving:
            self._abandoned = True

    def decode(self) -> None:
        """Decode what waits."""
        for _ in range(len(self._units)):
            unit = self._units.popleft()
            try:
                self._decode(unit)
            except av.FFmpegError as error:
                log.debug(
                    "unit_not_decoded feed=%s codec=%s error=%s", self._name, unit.codec, error
                )
                self._on_trouble(unit)
            except Exception:
                log.exception("decoder_failed feed=%s codec=%s", self._name, unit.codec)
                self._decoder = AudioDecoder()
                self._on_trouble(unit)

    def _decode(self, unit: AccessUnit) -> None:
        for position, samples in self._decoder.decode(unit):
            with self._giving:
                if not self._abandoned:
                    self._on_sound(position, samples, unit.arrived_s)
