"""A backup's file: a tar with a manifest first, the parts, and the checksums of all at the end.

Whoever has tar and sha256sum can look into it and check it. Pure but for the file.
"""

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

import msgspec

from mediaserver.errors import ShopcastError

FORMAT: Final = "shopcast-backup"
FORMAT_VERSION: Final = 1

MANIFEST: Final = "manifest.json"
STORE: Final = "store.rdb"
KEYS: Final = "secret-keys"
TOKEN: Final = "admin-token"
SUMS: Final = "SHA256SUMS"
IMAGES: Final = "images/"

_IMAGE = re.compile(r"images/[0-9a-f]{2}/[0-9a-f]{64}")
_BLOCK = 512
_CHUNK = 1 << 20
_MOST_OF_SMALL = 64 << 20


class BadArchive(ShopcastError):
    """The file is no backup, or not whole, or of a version that this one does not know."""


class Manifest(msgspec.Struct, frozen=True):
    """`made_at` is in unix seconds. `keys` are fingerprints of those that open what is sealed in
    the store; `has_keys` says whether they are in the backup themselves."""

    made_at: float
    shopcast: str
    redis: str
    keys: tuple[str, ...]
    has_keys: bool
    format: str = FORMAT
    version: int = FORMAT_VERSION


class Writer:
    """Writes parts to `file`, one after the other, and the checksums with `close`."""

    def __init__(self, file: BinaryIO, mtime: float) -> None:
        self._file = file
        self._mtime = int(mtime)
        self._sums: list[str] = []

    def add(self, name: str, data: bytes) -> None:
        with self.part(name) as write:
            write(data)

    @contextmanager
    def part(self, name: str) -> Iterator[Callable[[bytes], None]]:
        """A part whose size is not known before; what it yields writes to it."""
        begins = self._file.tell()
        self._file.write(bytes(_BLOCK))
        digest = hashlib.sha256()
        size = 0

        def write(data: bytes) -> None:
            nonlocal size
            self._file.write(data)
            digest.update(data)
            size += len(data)

        yield write
        self._file.write(bytes(-size % _BLOCK))
        ends = self._file.tell()
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, self._mtime, 0o600
        self._file.seek(begins)
        self._file.write(info.tobuf(tarfile.GNU_FORMAT))
        self._file.seek(ends)
        self._sums.append(f"{digest.hexdigest()}  {name}\n")

    def close(self) -> None:
        self.add(SUMS, "".join(self._sums).encode())
        self._file.write(bytes(2 * _BLOCK))


class Archive:
    """A backup in `file`, all of it verified. Raises BadArchive."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        try:
            with tarfile.open(fileobj=file, mode="r:") as tar:
                self._parts = {info.name: info for info in tar}
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise BadArchive(f"it is no backup, or not a whole one: {error}") from error
        self.manifest = self._manifest()
        self._verify()

    @property
    def images(self) -> list[str]:
        return [name for name in self._parts if _IMAGE.fullmatch(name)]

    def place(self, name: str) -> tuple[int, int]:
        """Where a part begins in the file, and its size."""
        info = self._parts[name]
        return info.offset_data, info.size

    def read(self, name: str) -> bytes | None:
        """All of a small part; None where there is none."""
        if name not in self._parts:
            return None
        begins, size = self.place(name)
        if size > _MOST_OF_SMALL:
            raise BadArchive(f"{name} in it is larger than anything of ours")
        self._file.seek(begins)
        return self._file.read(size)

    def chunks(self, name: str) -> Iterator[bytes]:
        begins, left = self.place(name)
        self._file.seek(begins)
        while left:
            data = self._file.read(min(left, _CHUNK))
            if not data:
                raise BadArchive("it ends early: copy it again")
            left -= len(data)
            yield data

    def _manifest(self) -> Manifest:
        try:
            manifest = msgspec.json.decode(self.read(MANIFEST) or b"", type=Manifest)
        except msgspec.DecodeError as error:
            raise BadArchive("it is no backup of Shopcast") from error
        if manifest.format != FORMAT:
            raise BadArchive("it is no backup of Shopcast")
        if manifest.version > FORMAT_VERSION:
            raise BadArchive(
                f"it was made by a newer Shopcast ({manifest.shopcast}; its format is "
                f"{manifest.version}, this one knows {FORMAT_VERSION}): restore it with that one"
            )
        return manifest

    def _verify(self) -> None:
        text = self.read(SUMS)
        if text is None or STORE not in self._parts:
            raise BadArchive("it is not whole: copy it again, or take another one")
        wanted: dict[str, str] = {}
        for line in io.StringIO(text.decode(errors="replace")):
            digest, _, name = line.rstrip("\n").partition("  ")
            wanted[name] = digest
        if wanted.keys() != self._parts.keys() - {SUMS}:
            raise BadArchive("it is damaged: its parts are not those of its checksums")
        for name, digest in wanted.items():
            found = hashlib.sha256()
            for chunk in self.chunks(name):
                found.update(chunk)
            if found.hexdigest() != digest:
                raise BadArchive(f"it is damaged: {name} in it does not have its checksum")
