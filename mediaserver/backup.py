"""`shopcast backup` and `shopcast restore`: everything that is kept, in one file and back.

docs/backup.md says what is in it and what is not.
"""

import asyncio
import contextlib
import hashlib
import mmap
import os
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import msgspec

from mediaserver import rdb
from mediaserver.archive import (
    IMAGES,
    KEYS,
    MANIFEST,
    STORE,
    TOKEN,
    Archive,
    BadArchive,
    Manifest,
    Writer,
)
from mediaserver.errors import ConfigError, ShopcastError
from mediaserver.redis_server import RedisServer, data_dir_lock, socket_path
from mediaserver.secret import KEYS_FILE, TOKEN_FILE, keep, keys_in
from mediaserver.settings import Settings
from sync.connection import Connection
from sync.secret import Secret
from sync.store.snapshot import OURS, NotTaken, Row, SnapshotStore, is_kept

_STAGED_BYTES, _STAGED_ROWS = 4 << 20, 500
"""What is given to Redis at once."""


class Refused(ShopcastError):
    """It is not done, for this reason, and nothing was changed."""


class Count(NamedTuple):
    """What a backup has."""

    keys: int
    images: int
    size: int


async def backup(settings: Settings, path: Path, *, with_keys: bool) -> Count:
    """Write a backup to `path`, where nothing is yet: wholly or not at all.

    Raises Refused, ConfigError, StoreUnavailable or NotCopied.
    """
    data_dir = settings.store.data_dir
    _refuse_existing(path)
    if settings.store.redis_url is None:
        _refuse_missing(data_dir)
    async with _store_of(settings) as connection:
        store = SnapshotStore(connection)
        redis = await store.version()
        with _written(path) as file, tempfile.TemporaryFile(dir=path.parent) as copied:
            async with contextlib.aclosing(store.snapshot()) as parts:
                async for part in parts:
                    copied.write(part)
            copied.flush()
            # Of a mapped file, what is passed over is not copied.
            with mmap.mmap(copied.fileno(), 0, access=mmap.ACCESS_READ) as snapshot:
                keys = settings.secrets.secret_keys or keys_in(data_dir)
                manifest = Manifest(
                    made_at=time.time(),
                    shopcast=version("shopcast"),
                    redis=redis,
                    keys=tuple(_fingerprint(key) for key in keys),
                    has_keys=with_keys,
                )
                writer = Writer(file, manifest.made_at)
                writer.add(MANIFEST, msgspec.json.encode(manifest))
                try:
                    count = _add_store(writer, snapshot, store.database)
                except rdb.Damaged as error:
                    raise Refused(f"what Redis gave cannot be read: {error}") from error
            images = _add_images(writer, data_dir)
            if with_keys:
                writer.add(KEYS, "".join(f"{key.reveal()}\n" for key in keys).encode())
                with contextlib.suppress(FileNotFoundError):
                    writer.add(TOKEN, (data_dir / TOKEN_FILE).read_bytes())
            writer.close()
            return Count(count, images, file.tell())


async def restore(settings: Settings, path: Path, *, replace: bool, without_keys: bool) -> Count:
    """Put a backup in the place of what is kept: wholly or not at all.

    Raises Refused, BadArchive, ConfigError, StoreInUse or StoreUnavailable.
    """
    data_dir = settings.store.data_dir
    with _opened(path) as file:
        archive = Archive(file)
        with (
            data_dir_lock(data_dir),
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        ):
            begins, size = archive.place(STORE)
            snapshot = memoryview(mapped)[begins : begins + size]
            try:
                return await _restore(settings, archive, snapshot, replace, without_keys)
            finally:
                snapshot.release()


async def _restore(
    settings: Settings, archive: Archive, snapshot: memoryview, replace: bool, without_keys: bool
) -> Count:
    data_dir = settings.store.data_dir
    keys = _keys(settings, archive, without_keys)
    try:
        for _ in rdb.entries(snapshot):
            pass
    except rdb.Damaged as error:
        raise BadArchive(f"the store in it cannot be read: {error}") from error
    async with _redis_of(settings) as connection:
        store = SnapshotStore(connection)
        await store.refuse_in_use()
        if not (replace or await store.is_empty() or await store.is_half_restored()):
            raise Refused("there is a shop already: --replace puts the backup in its place")
        await store.clear_staged()
        try:
            try:
                await _stage(store, snapshot)
            except NotTaken as error:
                raise Refused(
                    f"the Redis here ({await store.version()}) does not take what one of version "
                    f"{archive.manifest.redis} has written ({error}): it must not be older"
                ) from error
            images = await asyncio.to_thread(_restore_images, archive, data_dir)
            if keys:
                keep(data_dir / KEYS_FILE, "".join(f"{key.reveal()}\n" for key in keys))
            token = archive.read(TOKEN)
            if token is not None and not (data_dir / TOKEN_FILE).exists():
                keep(data_dir / TOKEN_FILE, token.decode())
            await store.refuse_in_use()
            count = await store.swap(time.time())
        except BaseException:
            with contextlib.suppress(Exception):
                await store.clear_staged()
            raise
        await store.doubt_everything(time.time)
    return Count(count, images, snapshot.nbytes)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise Refused(f"{path} exists already: nothing is written over a backup")


def _refuse_missing(data_dir: Path) -> None:
    if not (data_dir / "redis").is_dir():
        raise Refused(f"there is nothing to back up in {data_dir}: no server has run there")


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error


@contextlib.asynccontextmanager
async def _store_of(settings: Settings) -> AsyncIterator[Connection]:
    """The store, whether a server runs on it or not."""
    with contextlib.ExitStack() as stack:
        is_running = False
        if settings.store.redis_url is None:
            try:
                stack.enter_context(data_dir_lock(settings.store.data_dir))
            except ConfigError:
                if not socket_path(settings.store.data_dir).exists():
                    raise
                is_running = True
        if is_running:
            async with _connected(f"unix://{socket_path(settings.store.data_dir)}") as connection:
                yield connection
        else:
            async with _redis_of(settings) as connection:
                yield connection


@contextlib.asynccontextmanager
async def _redis_of(settings: Settings) -> AsyncIterator[Connection]:
    """The Redis of the settings, or our own, which runs meanwhile: under the data dir's lock."""
    if settings.store.redis_url is not None:
        async with _connected(settings.store.redis_url.reveal()) as connection:
            yield connection
        return
    async with (
        RedisServer(settings.store.data_dir) as server,
        _connected(server.url) as connection,
    ):
        yield connection


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Connection]:
    connection = Connection(url)
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A file that is at `path` once it is whole. Raises Refused where the disk does not take it."""
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:  # readable by this user alone
            try:
                yield cast(BinaryIO, file)
                file.flush()
                os.fsync(file.fileno())
                _refuse_existing(path)
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror or error}") from error


def _add_store(writer: Writer, snapshot: rdb.Bytes, database: int) -> int:
    count = 0
    with writer.part(STORE) as write:
        write(rdb.header(rdb.version_of(snapshot)))
        for entry in rdb.entries(snapshot):
            if entry.db == database and entry.key.startswith(OURS):
                write(rdb.written(entry))
                count += 1
        write(rdb.TRAILER)
    return count


def _add_images(writer: Writer, data_dir: Path) -> int:
    count = 0
    for path in sorted((data_dir / IMAGES).glob("??/*")):
        name = path.relative_to(data_dir).as_posix()
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile: nobody shows it
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest() == path.name:
                writer.add(name, data)
                count += 1
    return count


def _restore_images(archive: Archive, data_dir: Path) -> int:
    """They are named by what is in them: what is there already is the same."""
    names = archive.images
    for name in names:
        path = data_dir / name
        if path.exists():
            continue
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}")
        with fresh.open("wb") as file:
            for chunk in archive.chunks(name):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    return len(names)


async def _stage(store: SnapshotStore, snapshot: rdb.Bytes) -> None:
    version = rdb.version_of(snapshot)
    rows: list[Row] = []
    size = 0
    for entry in rdb.entries(snapshot):
        if not is_kept(entry.key):
            continue
        rows.append(Row(entry.key, entry.expires_at, rdb.dumped(entry, version)))
        size += len(entry.value)
        if size >= _STAGED_BYTES or len(rows) >= _STAGED_ROWS:
            await store.stage(rows)
            rows, size = [], 0
    await store.stage(rows)


def _keys(settings: Settings, archive: Archive, without_keys: bool) -> list[Secret]:
    """The keys that the data dir's file is to have: those of the backup beside those there, so
    that at each moment what is sealed can be opened. None where nothing is to be written."""
    given = settings.secrets.secret_keys
    there = list(given or keys_in(settings.store.data_dir))
    kept = [Secret(line) for line in (archive.read(KEYS) or b"").decode().split()]
    known = {_fingerprint(key) for key in there}
    wanted = set(archive.manifest.keys)
    if wanted <= known or without_keys:
        return []
    if given:
        raise Refused(
            "the backup is sealed with keys that are not among SHOPCAST_SECRET_KEYS: add them, or "
            "unset it, so that those in the backup are used"
            if kept
            else "the backup is sealed with keys that are not among SHOPCAST_SECRET_KEYS: add them"
        )
    if not wanted <= known | {_fingerprint(key) for key in kept}:
        raise Refused(
            "the keys are not in the backup, and not here: put the file secret-keys of the server "
            f"that made it into {settings.store.data_dir}; or go on with --without-keys: stream "
            "keys, TikTok's tokens and buyers' data can then not be read any more"
        )
    return kept + [key for key in there if _fingerprint(key) not in wanted]


def _fingerprint(key: Secret) -> str:
    """Tells keys apart and says nothing of them: they are 256 random bits."""
    return hashlib.sha256(b"shopcast " + key.reveal().encode()).hexdigest()[:32]
