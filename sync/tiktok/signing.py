"""How a request to TikTok Shop is signed, as its page sign-your-api-request says."""

import hashlib
import hmac
from collections.abc import Mapping

from sync.secret import Secret

UNSIGNED = frozenset({"sign", "access_token"})
"""The query parameters that do not count."""


def sign(secret: Secret, path: str, query: Mapping[str, str], body: bytes = b"") -> str:
    """The `sign` parameter of a request: 64 lower case hex digits.

    `query` holds the values before they are escaped for a URL; `body` the very bytes that are
    sent, and nothing for multipart/form-data, which is not signed.
    """
    key = secret.reveal().encode()
    parameters = "".join(name + query[name] for name in sorted(query.keys() - UNSIGNED))
    text = key + path.encode() + parameters.encode() + body + key
    return hmac.new(key, text, hashlib.sha256).hexdigest()
