"""One voice's gain in the mix, which changes without a click."""

import numpy as np

from mediaserver.audio_buffer import SAMPLE_RATE, Samples
from mediaserver.encoder import AAC_FRAME_SAMPLES
from mediaserver.limiter import ramp_up

RAMP_SAMPLES = SAMPLE_RATE * 20 // 1000

_RAMP: Samples = np.ones(AAC_FRAME_SAMPLES, np.float32)
_RAMP[:RAMP_SAMPLES] = ramp_up(RAMP_SAMPLES)


class Fader:
    """Begins closed. A new gain is reached within the block, in 20 ms."""

    def __init__(self) -> None:
        self._gain = 0.0

    def faded(self, block: Samples, gain: float) -> Samples | None:
        """`block`, (2, 1024), on the way to the factor `gain`; None when nothing is heard of it.

        At a steady 1 it is given back as it is.
        """
        before, self._gain = self._gain, gain
        if before != gain:
            return block * (np.float32(before) + np.float32(gain - before) * _RAMP)
        if gain == 0:
            return None
        return block if gain == 1 else block * np.float32(gain)
