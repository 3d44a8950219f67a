"""Signatures of calls and of webhooks, as the Partner Center documents them."""

import hashlib
import hmac
from collections.abc import Iterable

_UNSIGNED = frozenset({"sign", "access_token"})


def call_signature(
    secret: str, path: str, query: Iterable[tuple[str, str]], body: bytes = b""
) -> str:
    """The `sign` of a call: hex HMAC-SHA256 keyed by `secret`, over the path, the sorted query
    and the body (b"" of a multipart one) with the secret at both ends."""
    pairs = "".join(f"{key}{value}" for key, value in sorted(query) if key not in _UNSIGNED)
    signed = f"{secret}{path}{pairs}".encode() + body + secret.encode()
    return hmac.digest(secret.encode(), signed, hashlib.sha256).hex()


def webhook_signature(app_key: str, secret: str, body: bytes) -> str:
    """The `Authorization` header of a webhook."""
    return hmac.digest(secret.encode(), app_key.encode() + body, hashlib.sha256).hex()
