import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
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


@pytest.mark.parametrize("damage", [b"", b"\x80\x04garbage"])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_code_on_disk_that_a_power_cut_has_damaged_is_compiled_again_and_kept(
    kind: str, damage: bytes, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from compositor.compiled import compiled\n"
        "def double(number): return 2 * number\n"
        "print(compiled('i8(i8)')(double)(21))\n"
    )

    def run() -> str:
        return subprocess.run(
            [sys.executable, script],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": os.getcwd()},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout

    assert run() == "42\n"
    (kept,) = tmp_path.rglob(f"*.{kind}")
    whole = kept.stat().st_size
    kept.write_bytes(damage)
    assert run() == "42\n"
    assert kept.stat().st_size == pytest.approx(whole, rel=0.1)
