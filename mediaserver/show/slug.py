"""Readable ids."""

import itertools
import re
import unicodedata
from collections.abc import Container


def slug(name: str, fallback: str, taken: Container[str]) -> str:
    """A readable id from `name` that is not taken yet."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", ascii_name).strip("-")[:32].strip("-") or fallback
    candidates = itertools.chain([base], (f"{base}-{number}" for number in itertools.count(2)))
    return next(candidate for candidate in candidates if candidate not in taken)
