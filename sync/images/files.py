"""The bytes of fetched pictures: files below one directory, named by their SHA-256."""

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path

from sync.errors import SyncError

_DIGEST = re.compile(r"[0-9a-f]{64}")


class NoRoom(SyncError):
    """The disk has no room for more pictures."""

    def __init__(self) -> None:
        super().__init__("the server's disk is full")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class ImageFiles:
    """Leaves `reserve_bytes` of the disk to the rest of the server."""

    def __init__(self, directory: Path, *, reserve_bytes: int) -> None:
        self._directory = directory
        self._reserve_bytes = reserve_bytes

    async def read(self, digest: str) -> bytes | None:
        """None where this server has no such file."""
        return await asyncio.to_thread(self._read, self.path(digest))

    async def which(self, digests: Collection[str]) -> set[str]:
        """Those of `digests` of which this server has the file."""
        return await asyncio.to_thread(
            lambda: {each for each in digests if self.path(each).exists()}
        )

    async def write(self, data: bytes) -> str:
        """Keep `data`; their digest. A file is there wholly or not at all. Raises NoRoom."""
        return await asyncio.to_thread(self._write, data)

    async def keep(self, digests: Collection[str], before: float) -> int:
        """Remove the files of all others that were written `before` (unix seconds); how many."""
        return await asyncio.to_thread(self._remove_others, set(digests), before)

    def path(self, digest: str) -> Path:
        """Where the file of that digest is, if there is one."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r} is no SHA-256 in hex")
        return self._directory / digest[:2] / digest

    def _read(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def _remove_others(self, digests: set[str], before: float) -> int:
        count = 0
        for path in self._directory.glob("??/*"):
            with contextlib.suppress(FileNotFoundError):
                if path.name not in digests and path.stat().st_mtime < before:
                    path.unlink()
                    count += 1
        return count

    def _write(self, data: bytes) -> str:
        named = digest(data)
        path = self.path(named)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.utime(path)  # it is used again: it is not old any more
                return named
            path.parent.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(path.parent).free - len(data) < self._reserve_bytes:
                raise NoRoom
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
                try:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                    os.replace(file.name, path)
                except BaseException:
                    os.unlink(file.name)
                    raise
        except OSError as error:
            raise NoRoom from error
        return named
