"""When sockets on which much comes are read: together, in rounds on the monotonic clock.

What wakes a process costs more than what is then done with a packet or two, and pictures and sound
wait for a tick anyway. The ticks of shows follow rounds, so that hardly anything waits longer.
"""

import math

ROUND_S = 1 / 60
TICK_AFTER_S = 0.003
"""From a round until a tick: by then what came before is read, and can be decoded."""
READ_S = 0.002
"""From a round until all that came before it is read."""


def after(now_s: float) -> float:
    """The first round after `now_s`."""
    return (math.floor(now_s / ROUND_S) + 1) * ROUND_S


def first_tick_s(now_s: float) -> float:
    """A time for a show's tick 0, soon after `now_s`. Its other ticks at 30 or 60 a second follow
    rounds too."""
    return after(now_s) + TICK_AFTER_S


def mixed_s(over_s: float) -> float:
    """When to mix sound that is over at `over_s`: all of it that has come by then is read."""
    return after(over_s) + READ_S


def in_time_s(came_s: float, read_s: float) -> float:
    """As of when something counts as there that came at `came_s` and was read at `read_s`: when it
    came, and as much later as it was read too late."""
    return came_s + max(0.0, read_s - after(came_s) - READ_S)
