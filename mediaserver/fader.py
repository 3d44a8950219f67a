"""One voice's gain in the mix, which changes without a click."""

import numpy as np

from compositor.compiled import compiled
from mediaserver.audio_buffer import SAMPLE_RATE, Samples
from mediaserver.encoder import AAC_FRAME_SAMPLES
from mediaserver.limiter import ramp_up

RAMP_SAMPLES = SAMPLE_RATE * 20 // 1000

_RAMP: Samples = np.ones(AAC_FRAME_SAMPLES, np.float32)
_RAMP[:RAMP_SAMPLES] = ramp_up(RAMP_SAMPLES)


class Fader:
    """Begins closed. A new gain is reached within the block, in 20 ms."""

    def __init__(self) -> None:
        self._before = 0.0
        self._gain = 0.0

    def turn(self, gain: float) -> None:
        """Go to the factor `gain` in the next block; stay at it in those that follow."""
        self._before, self._gain = self._gain, gain

    @property
    def is_closed(self) -> bool:
        """Whether nothing is heard in this block."""
        return self._before == self._gain == 0

    def add(self, block: Samples, total: Samples) -> None:
        """Add `block` to `total`, both (2, 1024); at a steady 1 as it is."""
        add_faded(block, self._before, self._gain, _RAMP, total)


@compiled("void(f4[:,:], f4, f4, f4[::1], f4[:,::1])")
def add_faded(block: Samples, before: float, after: float, ramp: Samples, total: Samples) -> None:
    """Add `block` to `total`, both (2, n), with a gain that goes from `before` to `after` as
    `ramp`, (n,), goes from 0 to 1."""
    for channel in range(block.shape[0]):
        for index in range(block.shape[1]):
            gain = before + (after - before) * ramp[index]
            total[channel, index] += block[channel, index] * gain
