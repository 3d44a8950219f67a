"""Loops over pixels, compiled to machine code when their module is imported."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def compiled(signature: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function of numpy arrays and numbers a native one that runs without the GIL.

    `signature` is numba's, such as `void(u1[:,:], u1[:,::1])`: rows that may be apart, and rows
    without a gap. The code is kept on disk for the next start where there is a place for it;
    what is damaged there is made again.
    """

    def native(function: Callable[P, R]) -> Callable[P, R]:
        for kept in (_kept, _kept_anew):
            try:
                return kept(signature, function)
            except Exception:  # noqa: BLE001 - nowhere to write, or a file is cut off
                continue
        code: Callable[P, R] = njit(signature, nogil=True)(function)
        return code

    return native


def _kept(signature: str, function: Callable[P, R]) -> Callable[P, R]:
    """From disk, or compiled and kept there."""
    code: Callable[P, R] = njit(signature, nogil=True, cache=True)(function)
    return code


def _kept_anew(signature: str, function: Callable[P, R]) -> Callable[P, R]:
    """Compiled and kept on disk in the place of what is there."""
    code: Any = njit(nogil=True, cache=True)(function)
    code._cache.flush()
    code.compile(signature)
    code.disable_compile()
    anew: Callable[P, R] = code
    return anew
