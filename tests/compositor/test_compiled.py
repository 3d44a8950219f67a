from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from compositor.compiled import compiled


def test_a_loop_is_run_as_machine_code() -> None:
    @compiled("i8(u1[:])")
    def total(samples: NDArray[np.uint8]) -> int:
        result = 0
        for sample in samples:
            result += int(sample)
        return result

    assert total(np.full(1000, 255, np.uint8)) == 255_000


def test_code_for_which_there_is_no_place_on_disk_is_compiled_all_the_same() -> None:
    names: dict[str, Callable[[int], int]] = {}
    exec("def double(number): return 2 * number", {}, names)
    assert compiled("i8(i8)")(names["double"])(21) == 42
