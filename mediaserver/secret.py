"""Tokens, the files that secrets live in, and logs without either."""

import hashlib
import logging
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet

from sync.secret import MASK, Secret, masked

log = logging.getLogger(__name__)

TOKEN_FILE = "admin-token"
KEYS_FILE = "secret-keys"
"""Of the data dir."""

TOKEN_PREFIXES = {"owner": "sco_", "producer": "scp_", "host": "sch_"}
"""Every token begins with one of these, so that a log filter and a scanner know it on sight."""


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


def keys_in(data_dir: Path) -> tuple[Secret, ...]:
    """The encryption keys that `data_dir` has."""
    path = data_dir / KEYS_FILE
    return keys_of(path) if path.exists() else ()


def keep(path: Path, text: str) -> None:
    """Let the file at `path` be `text`, for this user alone: wholly or as it was."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _kept(path: Path, make: Callable[[], Secret]) -> str:
    """The text of the file at `path`; `make` gives it to a file that is not there yet."""
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
            log.warning("secret_file_was_open_to_others path=%s now=0600", path)
        return path.read_text()
    except FileNotFoundError:
        text = make().reveal() + "\n"
        keep(path, text)
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
    return _TOKEN.sub(MASK, masked(text))
