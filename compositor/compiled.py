"""Loops over pixels, compiled to machine code when their module is imported."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def compiled(signature: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function of numpy arrays and numbers a native one that runs without the GIL.

    `signature` is numba's, such as `void(u1[:,:], u1[:,::1])`: rows that may be apart, and rows
    without a gap. The code is kept on disk for the next start where there is a place for it;
    files there that are damaged are left alone.
    """

    def native(function: Callable[P, R]) -> Callable[P, R]:
        code: Callable[P, R]
        try:
            code = njit(signature, nogil=True, cache=True)(function)
        except Exception:  # noqa: BLE001 - no directory may be written to, or a file is cut off
            code = njit(signature, nogil=True)(function)
        return code

    return native
