"""Secrets: values that print as ***, the files they live in, and encryption at rest."""

import hashlib
import hmac
import logging
import os
import re
import secrets
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from mediaserver.errors import ShopcastError

log = logging.getLogger(__name__)

MASK = "***"
TOKEN_PREFIXES = {"owner": "sco_", "producer": "scp_", "host": "sch_"}
"""Every token begins with one of these, so that a log filter and a scanner know it on sight."""

_SHORTEST_MASKED = 8
"""A shorter secret is not searched for in logs: it would mask words that happen to be alike."""

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


class UnreadableSecret(ShopcastError):
    """What was encrypted at rest does not open with any of the keys of this server."""


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


def new_token(role: str) -> Secret:
    """A fresh token of 256 random bits for `role`."""
    return Secret(TOKEN_PREFIXES[role] + secrets.token_urlsafe(32))


def token_hash(token: Secret) -> str:
    """What is kept of a token: 256 random bits need no salt and no slow hash.

    What callers send may be any bytes, which headers carry as surrogates.
    """
    return hashlib.sha256(token.reveal().encode(errors="surrogatepass")).hexdigest()


def token_of(path: Path) -> Secret:
    """The owner's token in the file at `path`, made there at the first call."""
    return Secret(_kept(path, lambda: new_token("owner")).strip())


def keys_of(path: Path) -> tuple[Secret, ...]:
    """The encryption keys in the file at `path`, one a line, made there at the first call."""
    text = _kept(path, lambda: Secret(Fernet.generate_key().decode()))
    return tuple(Secret(line) for line in text.split())


def _kept(path: Path, make: Callable[[], Secret]) -> str:
    """The text of the file at `path`; `make` gives it to a file that is not there yet."""
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
            log.warning("secret_file_was_open_to_others path=%s now=0600", path)
        return path.read_text()
    except FileNotFoundError:
        text = make().reveal() + "\n"
        fresh = path.with_name(path.name + ".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        return text


class RedactingFormatter(logging.Formatter):
    """The last line of defence: masks secrets in the finished text of a log record.

    Every live `Secret`, everything shaped like one of our tokens, and whatever follows Bearer.
    """

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


_TOKEN = re.compile(
    rf"\b(?:{'|'.join(TOKEN_PREFIXES.values())})[\w-]{{20,}}|(?<=\bBearer )[^\s'\"]+"
)


def redacted(text: str) -> str:
    """`text` with each secret in it replaced by ***."""
    for reference in _live.valuerefs():
        secret = reference()
        if secret is not None and len(secret.reveal()) >= _SHORTEST_MASKED:
            text = text.replace(secret.reveal(), MASK)
    return _TOKEN.sub(MASK, text)
