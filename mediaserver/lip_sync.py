"""One feed's pictures and sound brought together by the times of their capture."""

from mediaserver.audio_buffer import MAX_WAIT_S, SAMPLE_RATE, AudioBuffer
from mediaserver.lateness import Lateness
from mediaserver.packet import OPUS_LOOKAHEAD_SAMPLES, AccessUnit

HALF_TICK_S = 1 / 60
"""A picture waits for the next tick of a canvas: at 30 fps, this long in the middle."""
DECODING_S = 0.004
"""From a picture's arrival until it can be shown."""
OPUS_LOOKAHEAD_S = OPUS_LOOKAHEAD_SAMPLES / SAMPLE_RATE


class LipSync:
    """When each picture of a connection is to be shown, so that it is seen with its sound.

    The later of the two sets the pace: pictures are held for the sound, sound waits for the
    middle of the pictures. Neither for longer than `MAX_WAIT_S`: times further apart are not
    believed. Without times of capture, pictures are shown as they come.

    `arrived` is for the event loop, the rest for the thread that decodes.
    """

    def __init__(self, sound: AudioBuffer) -> None:
        self.skew_s: float | None = None
        """How much later than its sound the last picture was shown; None while not in step."""
        self._sound = sound
        self._pictures = Lateness()
        self._origin_s: float | None = None

    def arrived(self, unit: AccessUnit) -> None:
        """`unit` was given to the decoder."""
        if unit.captured_s is None:
            return
        if unit.kind == "audio":
            lookahead_s = OPUS_LOOKAHEAD_S if unit.codec == "opus" else 0.0
            self._origin_s = unit.captured_s - unit.timestamp / unit.clock_rate - lookahead_s
            return
        if self._origin_s is None:
            return
        # By the time of the sound, so that a clock that is set does not look like late pictures.
        lateness_s = unit.arrived_s + DECODING_S - (unit.captured_s - self._origin_s)
        if self._pictures.is_other(lateness_s):
            self._pictures = Lateness()
        self._pictures.add(lateness_s, unit.arrived_s)
        self._sound.wanted_s = self._pictures.usual_s + HALF_TICK_S

    def hold_s(self, unit: AccessUnit, now_s: float) -> float:
        """How long the decoding of a picture waits from now on; 0 or less: not at all."""
        seen_s = self._with_its_sound_s(unit, now_s)
        if seen_s is None:
            return 0.0
        hold_s = seen_s - HALF_TICK_S - DECODING_S - now_s
        return hold_s if hold_s <= MAX_WAIT_S else 0.0

    def shown(self, unit: AccessUnit, now_s: float) -> None:
        """The picture of `unit` can be seen from now on."""
        seen_s = self._with_its_sound_s(unit, now_s)
        skew_s = None if seen_s is None else now_s + HALF_TICK_S - seen_s
        self.skew_s = skew_s if skew_s is not None and abs(skew_s) <= MAX_WAIT_S else None

    def _with_its_sound_s(self, unit: AccessUnit, now_s: float) -> float | None:
        """When the sound captured together with `unit` is heard."""
        offset_s = self._sound.offset_s(now_s)
        if unit.captured_s is None or self._origin_s is None or offset_s is None:
            return None
        return unit.captured_s - self._origin_s + offset_s
