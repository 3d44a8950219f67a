"""The exceptions of the shop's side, drawn as a tree; whose fault it is, is in the type.

SyncError
├── StoreUnavailable     Redis does not answer
├── UnreadableSecret     what was encrypted at rest opens with none of our keys
├── Invalid              something sent cannot be used; `path` says where in it
├── NotFound             the thing named does not exist
├── Stale                it was changed since it was read
└── Conflict             it is not in a state for this
"""


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
