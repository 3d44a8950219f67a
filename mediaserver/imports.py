"""Files of products that come in: one at a time on this server, each in a task of its own."""

import asyncio
import contextlib
import logging
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mediaserver.errors import Conflict, PayloadTooLarge
from sync.catalogue.importer import Importer
from sync.catalogue.shopify_csv import Survey, survey
from sync.errors import StoreUnavailable
from sync.store.imports import ImportId, ImportRecord, Imports, StockMode

log = logging.getLogger(__name__)

MAX_FILE_BYTES: Final = 64 << 20

HEARD_OF_WITHIN_S: Final = 60.0
"""An import that runs says so more often than that, unless it waits for Redis."""


@dataclass(frozen=True)
class Asked:
    """What somebody wants of a file."""

    stock: StockMode
    currency: str | None
    by: str


class ImportDesk:
    """Keeps files in `directory` while they are taken in; `now` gives unix seconds."""

    def __init__(
        self,
        importer: Importer,
        imports: Imports,
        directory: Path,
        tasks: asyncio.TaskGroup,
        now: Callable[[], float],
    ) -> None:
        self._importer = importer
        self._imports = imports
        self._directory = directory
        self._tasks = tasks
        self._now = now
        self._is_busy = False

    async def take(self, chunks: AsyncIterator[bytes], asked: Asked) -> ImportRecord:
        """Begin to take in the file that `chunks` are.

        Raises Conflict while another is taken in here, PayloadTooLarge, StoreUnavailable, Invalid
        for a file that cannot be used at all, and whatever `chunks` raises.
        """
        if self._is_busy:
            raise Conflict("another file is being taken in: wait until it has ended")
        self._is_busy = True
        import_id = ImportId(f"i_{secrets.token_hex(8)}")
        path = self._directory / f"{import_id}.csv"
        try:
            await asyncio.to_thread(self._empty_directory)
            await _write(path, chunks)
            found = await asyncio.to_thread(_survey, path, asked.currency)
            at = self._now()
            record = ImportRecord(
                import_id,
                asked.by,
                asked.stock,
                asked.currency,
                lines=found.lines,
                began_at=at,
                at=at,
                ignored=found.ignored,
            )
            await self._imports.save(record)
        except BaseException:
            self._end(path)
            raise
        self._tasks.create_task(self._run(record, path), name="import")
        return record

    async def get(self, import_id: ImportId) -> ImportRecord:
        """Raises NotFound."""
        return await self._imports.get(import_id)

    def is_cut_short(self, record: ImportRecord) -> bool:
        """Whether the server that ran it has ended before it has."""
        return record.state == "running" and self._now() - record.at > HEARD_OF_WITHIN_S

    async def _run(self, record: ImportRecord, path: Path) -> None:
        try:
            try:
                ended = await self._importer.run(record, path)
            finally:
                self._end(path)
            await self._imports.save(ended)
        except StoreUnavailable as error:
            log.warning("import_cut_short import=%s reason=%s", record.id, error)
        except Exception:
            log.exception("import_failed import=%s", record.id)
        else:
            log.info(
                "import_ended import=%s created=%d changed=%d failed_rows=%d",
                *(ended.id, ended.created, ended.changed, ended.failed),
            )

    def _end(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._is_busy = False

    def _empty_directory(self) -> None:
        """What is there is of a server that was killed."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)


async def _write(path: Path, chunks: AsyncIterator[bytes]) -> None:
    """Raises PayloadTooLarge."""
    size = 0
    with contextlib.closing(await asyncio.to_thread(path.open, "xb")) as file:
        async for chunk in chunks:
            size += len(chunk)
            if size > MAX_FILE_BYTES:
                raise PayloadTooLarge(MAX_FILE_BYTES)
            await asyncio.to_thread(file.write, chunk)


def _survey(path: Path, currency: str | None) -> Survey:
    with path.open("rb") as file:
        return survey(file, currency)
