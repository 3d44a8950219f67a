"""Secrets: values that print as ***, and encryption at rest."""

import hmac
import weakref
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from sync.errors import UnreadableSecret

MASK = "***"

_SHORTEST_MASKED = 8
"""A shorter secret is not searched for in texts: it would mask words that happen to be alike."""

_live: "weakref.WeakValueDictionary[int, Secret]" = weakref.WeakValueDictionary()


class Secret:
    """A string that never prints itself: `reveal()` is the one way to it."""

    __slots__ = ("__weakref__", "_value")

    def __init__(self, value: str) -> None:
        self._value = value
        _live[id(self)] = self

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)


class Vault:
    """Encrypts what rests in Redis; the first key encrypts, every key decrypts (rotation)."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        self._fernet = MultiFernet([Fernet(key.reveal()) for key in keys])

    def seal(self, secret: Secret) -> str:
        return self._fernet.encrypt(secret.reveal().encode()).decode()

    def open(self, sealed: str, *, max_age_s: int | None = None) -> Secret:
        """Raises UnreadableSecret, also for what was sealed longer than `max_age_s` ago."""
        try:
            return Secret(self._fernet.decrypt(sealed, ttl=max_age_s).decode())
        except (InvalidToken, ValueError) as error:  # ValueError: not even ASCII
            raise UnreadableSecret("none of the secret keys opens this") from error


def masked(text: str) -> str:
    """`text` with each live secret in it replaced by ***."""
    for reference in _live.valuerefs():
        secret = reference()
        if secret is not None and len(secret.reveal()) >= _SHORTEST_MASKED:
            text = text.replace(secret.reveal(), MASK)
    return text
