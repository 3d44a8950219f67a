"""A time burnt into a picture as black and white blocks, readable after scaling and x264."""

import zlib

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]

COLUMNS, ROWS = 12, 4
"""32 bits of milliseconds and 16 of checksum, row by row from the top left, highest bit first."""
BLOCKS_PER_WIDTH = 32
BLACK, WHITE = 16, 235  # ITU-R BT.709 limited range
WORD = 1 << 32


def burn(luma: Luma, time_ms: int) -> None:
    """Write `time_ms` (modulo 2**32) into the top left of `luma`, (H, W) uint8, in place."""
    block = luma.shape[1] // BLOCKS_PER_WIDTH
    value = _with_checksum(time_ms % WORD)
    bits = [(value >> shift) & 1 for shift in range(COLUMNS * ROWS - 1, -1, -1)]
    blocks = np.where(np.array(bits).reshape(ROWS, COLUMNS), WHITE, BLACK).astype(np.uint8)
    luma[: ROWS * block, : COLUMNS * block] = blocks.repeat(block, axis=0).repeat(block, axis=1)


def read(luma: Luma) -> int | None:
    """The time burnt into `luma`, or None if there is none that can be trusted."""
    block = luma.shape[1] // BLOCKS_PER_WIDTH
    area = luma[: ROWS * block, : COLUMNS * block].reshape(ROWS, block, COLUMNS, block)
    inner = area[:, block // 4 : block - block // 4, :, block // 4 : block - block // 4]
    value = 0
    for bit in (inner.mean(axis=(1, 3)) > (BLACK + WHITE) / 2).flat:
        value = value << 1 | int(bit)
    time_ms = value >> 16
    return time_ms if _with_checksum(time_ms) == value else None


def age_ms(time_ms: int, now_ms: int) -> int:
    """How long before `now_ms` the burnt time was, across the wrap of 32 bits."""
    return (now_ms - time_ms) % WORD


def _with_checksum(time_ms: int) -> int:
    return time_ms << 16 | zlib.crc32(time_ms.to_bytes(4, "big")) & 0xFFFF
