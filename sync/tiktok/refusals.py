"""Which of our errors an answer of TikTok's means."""

import math
from typing import Any

from sync.tiktok import wire
from sync.tiktok.errors import (
    AppRefused,
    BadSignature,
    CodeRefused,
    Misused,
    RateLimited,
    Refused,
    ScopeMissing,
    TikTokError,
    TikTokUnavailable,
    TokenExpired,
    TokenRefused,
    TokenShopMismatch,
)

_BY_CODE: dict[int, type[TikTokError]] = {
    wire.TOKEN_EXPIRED: TokenExpired,
    wire.SCOPE_MISSING: ScopeMissing,
    wire.TOKEN_SHOP_MISMATCH: TokenShopMismatch,
    wire.BAD_SIGNATURE: BadSignature,
    wire.SHOP_CIPHER_MISSING: Misused,
    wire.BAD_AUTH_CODE: CodeRefused,
    wire.RATE_LIMITED: RateLimited,
    wire.INTERNAL: TikTokUnavailable,
    wire.TIMED_OUT: TikTokUnavailable,
    wire.BAD_PATH: Misused,
    wire.BAD_METHOD: Misused,
    wire.BAD_VERSION: Misused,
    wire.ADDRESS_NOT_ALLOWED: AppRefused,
}

_BY_MESSAGE: tuple[tuple[str, type[TikTokError]], ...] = (
    ("token", TokenRefused),
    ("app_key", AppRefused),
    ("app key", AppRefused),
    ("timestamp", AppRefused),
    ("sign", BadSignature),
)
"""What wire.OVERLOADED means, by the first of these words that its message has."""

LONGEST_MESSAGE = 500


def error_of(
    call: str, status: int, envelope: Any, retry_after: str | None = None
) -> TikTokError | None:
    """The error in an answer, None for one that says all is well.

    `envelope` is its decoded JSON, None where it is none; `retry_after` the header's text.
    """
    code = envelope.get("code") if isinstance(envelope, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return _senseless(call, status, retry_after)
    if code == wire.OK and status < 500:
        return None
    message = envelope.get("message")
    message = message[:LONGEST_MESSAGE] if isinstance(message, str) and message else "no message"
    request_id = envelope.get("request_id")
    request_id = request_id[:LONGEST_MESSAGE] if isinstance(request_id, str) else ""
    kind = _BY_CODE.get(code, Refused)
    if code == wire.OVERLOADED:
        lowered = message.lower()
        kind = next((found for word, found in _BY_MESSAGE if word in lowered), Misused)
    if status == 429:
        kind = RateLimited
    elif kind is Refused and status >= 500:
        kind = TikTokUnavailable
    if kind is RateLimited:
        return RateLimited(
            message, code=code, request_id=request_id, retry_after_s=_seconds(retry_after)
        )
    return kind(message, code=code, request_id=request_id)


def _senseless(call: str, status: int, retry_after: str | None) -> TikTokError:
    """The error of an answer that is not TikTok's envelope."""
    if status == 429:
        return RateLimited(f"too many requests of {call}", retry_after_s=_seconds(retry_after))
    if 400 <= status < 500:
        return Misused(f"{call} was answered by HTTP {status}: is the address of the API right?")
    return TikTokUnavailable(f"{call} was answered by HTTP {status}, without sense")


def _seconds(retry_after: str | None) -> float | None:
    """The header in seconds; None where it says nothing, or a date, which TikTok does not send."""
    try:
        seconds = float(retry_after) if retry_after is not None else math.nan
    except ValueError:
        return None
    return seconds if 0 <= seconds < math.inf else None
