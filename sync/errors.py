"""The exceptions of the shop's side, drawn as a tree; whose fault it is, is in the type.

SyncError
├── StoreUnavailable     Redis does not answer
├── UnreadableSecret     what was encrypted at rest opens with none of our keys
├── Invalid              something sent cannot be used; `path` says where in it
├── NotFound             the thing named does not exist
├── Stale                it was changed since it was read
└── Conflict             it is not in a state for this
    └── InsufficientStock    there are too few units of something; `shortages` says of what
"""

from collections.abc import Sequence

import msgspec

from sync.model import SkuId


class SyncError(Exception):
    """Base of every error this package raises on purpose."""


class StoreUnavailable(SyncError):
    """Redis does not answer, so nothing could be stored."""


class UnreadableSecret(SyncError):
    """What was encrypted at rest does not open with any of the keys of this server."""


class Invalid(SyncError):
    """Something that cannot be used; `path` points into it where that helps."""

    def __init__(self, reason: str, path: str | None = None) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


class NotFound(SyncError):
    """Nothing of that `noun` has the id `key`."""

    def __init__(self, noun: str, key: str) -> None:
        super().__init__(f"there is no {noun} {key!r}")
        self.noun = noun
        self.key = key


class Stale(SyncError):
    """The `noun` was changed since it was read: `current` is its revision now."""

    def __init__(self, noun: str, key: str, current: int) -> None:
        super().__init__(
            f"the {noun} {key!r} was changed meanwhile (it is at revision {current} now): "
            "read it and try again"
        )
        self.noun = noun
        self.key = key
        self.current = current


class Conflict(SyncError):
    """The request is sound, but the thing is not in a state for it."""


class Shortage(msgspec.Struct, frozen=True):
    """`wanted` units of a SKU, of which `free` can be had and `set_aside` are with channels."""

    sku: SkuId
    wanted: int
    free: int
    set_aside: int


class InsufficientStock(Conflict):
    """There are too few units of what is in `shortages`."""

    def __init__(self, shortages: Sequence[Shortage]) -> None:
        found = [f"{each.free} of SKU {each.sku}, not {each.wanted}" for each in shortages]
        if all(each.wanted <= each.free + each.set_aside for each in shortages):
            found.append("channels have not given back yet what is set aside: try again soon")
        super().__init__(f"too few units are free: {'; '.join(found)}")
        self.shortages = tuple(shortages)
