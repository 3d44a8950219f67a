"""When the ticks of a steady rate are due, and which of them came late."""

from fractions import Fraction

from mediaserver.packet import TICKS_PER_S


class Pacer:
    """Ticks 0, 1, 2, … at `rate` a second, the first due at `epoch_s` on the monotonic clock.

    Every due time is computed from the tick's number, so nothing adds up over hours.
    """

    def __init__(self, epoch_s: float, rate: Fraction) -> None:
        self._epoch_s = epoch_s
        self._rate = rate
        self.late = 0

    def due_s(self, tick: int) -> float:
        """The time at which `tick` is due."""
        return self._epoch_s + tick * self._rate.denominator / self._rate.numerator

    def dts(self, tick: int) -> int:
        """`tick` in 90 kHz ticks of the program's clock."""
        return tick * TICKS_PER_S * self._rate.denominator // self._rate.numerator

    def first_after(self, now_s: float) -> int:
        """The first tick that is not yet due at `now_s`."""
        tick = max(0, int((now_s - self._epoch_s) * self._rate) - 1)
        while self.due_s(tick) <= now_s:
            tick += 1
        return tick

    def delivered(self, tick: int, now_s: float) -> None:
        """Count `tick` as late if its frame was given to the encoder when the next was due."""
        if now_s >= self.due_s(tick + 1):
            self.late += 1

    def following(self, tick: int, now_s: float) -> int:
        """The tick to do after `tick`: the next one, or, when behind, the one that is current.

        Ticks left out are counted as late; a program never renders twice to catch up.
        """
        current = self.first_after(now_s) - 1
        if current <= tick + 1:
            return tick + 1
        self.late += current - (tick + 1)
        return current
