"""The exceptions of the server, drawn as a tree; whose fault it is, is in the type.

ShopcastError
├── ConfigError          the operator's settings cannot be used; all faults at once (exit code 2)
├── BadRequest           the caller sent something that cannot be used            (HTTP 400/422)
├── Unauthorized         no token came, or one that nobody here has given out     (HTTP 401)
├── Forbidden            the token is good, but not for this                      (HTTP 403)
├── PayloadTooLarge      the body is longer than anything sensible                (HTTP 413)
├── TooManyRequests      the caller asks too often                                (HTTP 429)
├── NotFound             the thing named does not exist                           (HTTP 404)
├── Conflict             the thing exists, but not in a state for this            (HTTP 409)
├── NodeFull             this node carries as much as it may                      (HTTP 503)
└── TargetError          an RTMP destination …
    ├── TargetUnreachable    … cannot be connected to: retried
    ├── TargetStalled        … stopped reading or answering: retried
    ├── TargetClosed         … closed the connection: retried
    └── TargetRejected       … refused the stream by name of a code: final before the first live

Redis away is sync.errors.StoreUnavailable (HTTP 503), for both packages.
"""

from collections.abc import Sequence


class ShopcastError(Exception):
    """Base of every error this package raises on purpose."""


class ConfigError(ShopcastError):
    """Settings that cannot be used; `faults` names each and says what to do."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


class BadRequest(ShopcastError):
    """A request that cannot be used; `path` points into its body where that helps."""

    def __init__(self, reason: str, path: str | None = None) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path


class Unauthorized(ShopcastError):
    """No token came with the request, or one that is not (or no longer) good."""

    def __init__(
        self, reason: str = "send a token as `Authorization: Bearer …`, or sign in again"
    ) -> None:
        super().__init__(reason)


class Forbidden(ShopcastError):
    """The token is good, but its role may not do this."""


class PayloadTooLarge(ShopcastError):
    """The body exceeds `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the body is larger than the {limit_bytes} bytes allowed here")
        self.limit_bytes = limit_bytes


class TooManyRequests(ShopcastError):
    """The caller asks too often; ask again after `retry_after_s`."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many requests; try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class NotFound(ShopcastError):
    """Nothing of that `noun` has the id `key`."""

    def __init__(self, noun: str, key: str) -> None:
        super().__init__(f"there is no {noun} {key!r}")
        self.noun = noun
        self.key = key


class Conflict(ShopcastError):
    """The request is sound, but the thing is not in a state for it."""


class NodeFull(ShopcastError):
    """This node carries as many feeds or shows as it may; ask again after `retry_after_s`."""

    def __init__(self, what: str, retry_after_s: int = 10) -> None:
        super().__init__(f"this server carries as many {what} as it may; try again later")
        self.retry_after_s = retry_after_s


class TargetError(ShopcastError):
    """Trouble with one RTMP destination; `reason` is in words a shop owner understands."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TargetUnreachable(TargetError):
    """The name does not resolve, nobody listens, or the certificate does not fit."""


class TargetStalled(TargetError):
    """The server stopped answering or reading for `after_s`."""

    def __init__(self, reason: str, after_s: float) -> None:
        super().__init__(reason)
        self.after_s = after_s


class TargetClosed(TargetError):
    """The server ended the connection."""


class TargetRejected(TargetError):
    """The server refused the stream with an RTMP status `code`."""

    def __init__(self, reason: str, code: str) -> None:
        super().__init__(reason)
        self.code = code
