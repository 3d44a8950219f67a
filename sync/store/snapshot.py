"""Every key of ours out of Redis at one moment, and back into it at one moment.

Out goes the snapshot that Redis makes for a replica (SYNC): a child of its own writes it, and Redis
is held for the fork alone, where DUMPs in one transaction hold it for all that there is
(docs/backup.md has the figures). Back in, everything is first put beside what is there, under names
of its own, and then takes its place in one transaction.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from redis.exceptions import RedisError, ResponseError

from sync.connection import ANSWER_TIMEOUT_S, Connection
from sync.errors import StoreUnavailable, SyncError
from sync.model import TIKTOK, SkuId
from sync.store.keys import NOTICES, key, stock_key
from sync.store.lease import FENCE, LEASE, Lease
from sync.store.listings import Listings
from sync.store.progress import PROGRESS, SEARCHED
from sync.store.stock import Stocks

OURS = b"shopcast:"
"""What the names of all our keys begin with."""

RESTORED = key("restored")
"""There until what TikTok has was doubted after a restore."""

_STAGED = b"shopcast-restoring:"
_LOCKS = key("lock:").encode()
_DROPPED = frozenset(name.encode() for name in (LEASE, PROGRESS, SEARCHED, RESTORED))
_SHOW_LEASE, _SHOW_FENCE = b":lease", b":fence"

_QUIET_S = 60.0
"""Redis says at least every few seconds that it is still writing the snapshot."""

_LONG_S = 120.0
_READ_BYTES = 1 << 20
_MARK_BYTES = 40
_LISTINGS = 100
_SCANNED = 1000


class NotCopied(SyncError):
    """This Redis gives no snapshot."""


class NotTaken(SyncError):
    """Redis takes no such values: they are of a newer one, or damaged."""


class StoreInUse(SyncError):
    """A server runs on the store."""

    def __init__(self) -> None:
        super().__init__("a server is running on this store: stop it first")


class Row(NamedTuple):
    """A key, when it ends (unix milliseconds), and its value as DUMP has it."""

    key: bytes
    expires_at: int | None
    dumped: bytes


class SnapshotStore:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis
        self._asked = connection.asked

    @property
    def database(self) -> int:
        """The number of ours among those in a snapshot."""
        return int(self._redis.connection_pool.connection_kwargs.get("db") or 0)

    async def version(self) -> str:
        """Redis's."""
        found = await self._asked(lambda: self._redis.info("server"))
        return str(found["redis_version"])

    async def snapshot(self) -> AsyncGenerator[bytes, None]:
        """One of all databases, in the format of Redis's files, part by part. Raises NotCopied.
        Use it under contextlib.aclosing."""
        link: Any = self._redis.connection_pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await link.connect()
                # What changes after the snapshot is not wanted, nor a file of it on Redis's disk.
                for option in (("rdb-only", "1"), ("capa", "eof")):
                    await link.send_command("REPLCONF", *option)
                    with contextlib.suppress(ResponseError):
                        await link.read_response()
                await link.send_command("SYNC")
            # The client reads answers only, and a snapshot is none.
            stream = link._reader
            if stream is None:
                raise ConnectionResetError
            async with contextlib.aclosing(_received(stream)) as parts:
                async for part in parts:
                    yield part
        except (RedisError, OSError, EOFError) as error:
            raise StoreUnavailable(
                f"the server's store (Redis) gave no whole snapshot: {error!r}"
            ) from error
        finally:
            await link.disconnect(nowait=True)

    async def is_empty(self) -> bool:
        return not await self._names(OURS)

    async def is_half_restored(self) -> bool:
        """Whether a restore was ended before all was done."""
        return bool(await self._asked(lambda: self._redis.exists(RESTORED)))

    async def refuse_in_use(self) -> None:
        """Raises StoreInUse while a server listens for notices, as each one does."""
        ((_, listeners),) = await self._asked(lambda: self._redis.pubsub_numsub(NOTICES))
        if listeners:
            raise StoreInUse

    async def clear_staged(self) -> None:
        """Remove what a restore that was ended early has left."""
        await self._unlink(await self._names(_STAGED))

    async def stage(self, rows: Sequence[Row]) -> None:
        """Put `rows` beside what is there. Raises NotTaken."""
        pipeline = self._redis.pipeline(transaction=False)
        for row in rows:
            pipeline.restore(
                _STAGED + row.key, row.expires_at or 0, row.dumped, absttl=bool(row.expires_at)
            )
        try:
            await self._asked(pipeline.execute, _LONG_S)
        except StoreUnavailable as error:
            if isinstance(error.__cause__, ResponseError):
                raise NotTaken(str(error.__cause__)) from error
            raise

    async def swap(self, at: float) -> int:
        """Let what is staged take the place of all that there is; how many keys. Fencing tokens
        go on from the higher one, so that no server of before writes any more."""
        before = await self._names(OURS)
        staged = await self._names(_STAGED)
        names = [name.removeprefix(_STAGED) for name in staged]
        was = await self._fences([name for name in before if _is_fence(name)])
        kept = await self._fences([_STAGED + name for name in names if _is_fence(name)])
        pipeline = self._redis.pipeline(transaction=True)
        for name in before:
            if name not in was:
                pipeline.unlink(name)
        for name in names:
            pipeline.rename(_STAGED + name, name)
        for name in {*was, *(name.removeprefix(_STAGED) for name in kept)}:
            highest = max(was.get(name, 0), kept.get(_STAGED + name, 0))
            pipeline.set(name, highest + 1, keepttl=True)
        pipeline.set(RESTORED, at)
        answers = await self._asked(lambda: pipeline.execute(raise_on_error=False), _LONG_S)
        for answer in answers:  # a key that has just come to its end is none any more
            if isinstance(answer, RedisError) and "no such key" not in str(answer):
                raise StoreUnavailable(f"Redis refused a part ({answer}): run it again")
        return len(names)

    async def doubt_everything(self, now: Callable[[], float]) -> bool:
        """After a restore: what TikTok has may have changed since the backup, so nothing of it is
        taken as known. Does nothing where there was none, or a server that syncs has done it."""
        if not await self.is_half_restored():
            return False
        lease = Lease(self._connection, holder="restore", ttl_s=_LONG_S)
        fence = await lease.acquire()
        if fence is None:
            return False
        prefix = stock_key(SkuId("")).encode()
        names = [name.removeprefix(prefix).decode() for name in await self._names(prefix)]
        skus = [SkuId(name) for name in names if ":" not in name]
        await Stocks(self._connection, now).unbound(skus, TIKTOK)
        listings = Listings(self._connection)
        ids = sorted(await listings.ids())
        for at in range(0, len(ids), _LISTINGS):
            found = (await listings.many(ids[at : at + _LISTINGS])).values()
            await listings.save(
                [msgspec.structs.replace(each, prices={}, stocks={}) for each in found], fence
            )
        await self._asked(lambda: self._redis.delete(RESTORED))
        await lease.release(fence)
        return True

    async def _fences(self, names: Sequence[bytes]) -> dict[bytes, int]:
        if not names:
            return {}
        values = await self._asked(lambda: self._redis.mget(names))
        found = zip(names, values, strict=True)
        return {name: int(value) for name, value in found if value is not None}

    async def _names(self, prefix: bytes) -> list[bytes]:
        """Of all keys that begin so."""
        found: set[bytes] = set()
        cursor = 0
        while True:
            cursor, some = await self._asked(_scan(self._redis, cursor, prefix + b"*"))
            found.update(some)
            if cursor == 0:
                return sorted(found)

    async def _unlink(self, names: Iterable[bytes]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.unlink(name)
        await self._asked(pipeline.execute, _LONG_S)


def is_kept(name: bytes) -> bool:
    """Whether a key of a backup is restored: not what says who does something at present, nor how
    far the sync has come."""
    is_lease = name.endswith(_SHOW_LEASE) and name.startswith(OURS + b"{show:")
    return not (name in _DROPPED or name.startswith(_LOCKS) or is_lease)


def _is_fence(name: bytes) -> bool:
    is_show = name.startswith(OURS + b"{show:") and name.endswith(_SHOW_FENCE)
    return is_show or name == FENCE.encode()


def _scan(redis: Any, cursor: int, pattern: bytes) -> Callable[[], Awaitable[Any]]:
    return lambda: redis.scan(cursor, pattern, _SCANNED)


async def _received(stream: asyncio.StreamReader) -> AsyncGenerator[bytes, None]:
    """The answer to SYNC: `$` and a length, or `$EOF:` and what comes after the last byte."""
    head = b""
    while not head:  # Redis sends line feeds until it is ready
        line = await _within(stream.readline())
        if not line:
            raise EOFError("the connection was closed")
        head = line.strip()
    if not head.startswith(b"$"):
        raise NotCopied(
            "this Redis gives no snapshot (SYNC, which its user must be allowed): "
            + head.removeprefix(b"-").decode(errors="replace")
        )
    if not head.startswith(b"$EOF:"):
        left = int(head[1:])
        while left:
            part = await _some(stream, min(left, _READ_BYTES))
            left -= len(part)
            yield part
        return
    mark, tail = head[5:], b""
    while True:
        tail += await _some(stream, _READ_BYTES)
        if tail.endswith(mark):
            yield tail[:-_MARK_BYTES]
            return
        yield tail[:-_MARK_BYTES]
        tail = tail[-_MARK_BYTES:]


async def _some(stream: asyncio.StreamReader, most: int) -> bytes:
    part = await _within(stream.read(most))
    if not part:
        raise EOFError("the connection was closed")
    return part


async def _within(reading: Awaitable[bytes]) -> bytes:
    async with asyncio.timeout(_QUIET_S):
        return await reading
