"""When sockets on which much comes are read: together, in rounds on the monotonic clock.

What wakes a process costs more than what is then done with a packet or two, and pictures and sound
wait for a tick anyway. The ticks of shows follow rounds, so that hardly anything waits longer.
"""

import math

ROUND_S = 1 / 60
TICK_AFTER_S = 0.003
"""From a round until a tick: by then is read and on its way to be decoded what came before."""


def after(now_s: float) -> float:
    """The first round after `now_s`."""
    return (math.floor(now_s / ROUND_S) + 1) * ROUND_S


def first_tick_s(now_s: float) -> float:
    """A time for a show's tick 0, soon after `now_s`. Its other ticks at 30 or 60 a second follow
    rounds too."""
    return after(now_s) + TICK_AFTER_S
