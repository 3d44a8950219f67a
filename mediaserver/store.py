"""Shows and tokens in Redis, where lease.py keeps its leases.

Keys of one show share the hash tag {show:ID}, so that a script touches one slot of a cluster.
"""

import asyncio

import msgspec
from redis.asyncio import Redis
from redis.exceptions import RedisError

from mediaserver.errors import Conflict
from mediaserver.packet import AssetId, ShowId
from mediaserver.state import ShowRecord, from_json, to_json
from sync.connection import ANSWER_TIMEOUT_S, Connection

SHOWS = "shopcast:shows"
TOKENS = "shopcast:tokens"

FENCE_KEPT_S = 30 * 24 * 3600
"""How long the fence of a deleted show is kept: a server must not sleep longer than this with the
show on air, or it would take the deletion for a loss of data."""

_ASSET_TIMEOUT_S = 5.0


def key(show_id: ShowId, part: str) -> str:
    return f"shopcast:{{show:{show_id}}}:{part}"


async def faults_of(redis: Redis) -> list[str]:
    """What a Redis lacks to keep every answer's promise, in words for an operator."""
    wanted = {
        "appendonly": ("yes", "changes are lost when it restarts"),
        "appendfsync": ("always", "the last second of changes can be lost"),
        "maxmemory-policy": ("noeviction", "it may drop shows when memory is short"),
    }
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            found: dict[str | None, str | None] = {}
            for name in wanted:  # Redis 6.2 tells one at a time
                found.update(await redis.config_get(name))
    except (RedisError, OSError) as error:
        return [f"Redis does not show its configuration, so nothing was checked: {error}"]
    return [
        f"Redis has {name} {found.get(name, 'unknown')} instead of {value}: {consequence}"
        for name, (value, consequence) in wanted.items()
        if found.get(name) != value
    ]


class HeldElsewhere(Conflict):
    """Another server holds the lease of the show; `holder` is that server's name."""

    def __init__(self, holder: str) -> None:
        super().__init__(
            f"the show is on air on another server, {holder}: steer it there, or end it there first"
        )
        self.holder = holder


class StaleRecord(Conflict):
    """Another server has changed the record since it was read."""

    def __init__(self) -> None:
        super().__init__("the show was changed on another server meanwhile: read it and try again")


class MissingRecord(Conflict):
    """Another server has deleted the show."""

    def __init__(self) -> None:
        super().__init__("the show was deleted on another server")


class TokenRecord(msgspec.Struct, frozen=True):
    """A producer's token, by whose hash it is kept."""

    id: str
    name: str
    created_at: float


class Stored(msgspec.Struct, frozen=True):
    """A show as Redis has it. `holder` names the server that has it on air, `writer` the one that
    stored it; `alive_at` (unix seconds) is when its lease was last taken or renewed."""

    record: ShowRecord
    holder: str | None
    writer: str
    alive_at: float | None = None


class Store:
    """What this server keeps of shows. Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection, *, writer: str) -> None:
        self.connection = connection
        self._redis = connection.redis
        self._asked = connection.asked
        self._writer = writer

    async def show_ids(self) -> list[ShowId]:
        members = await self._asked(lambda: self._redis.smembers(SHOWS))
        return sorted(ShowId(member.decode()) for member in members)

    async def load(self, show_id: ShowId) -> Stored | None:
        """The show as it is stored, None when it is not. Raises UnreadableRecord."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hmget(key(show_id, "record"), "document", "writer", "alive_at")
        pipeline.get(key(show_id, "lease"))
        (document, writer, alive_at), holder = await self._asked(pipeline.execute)
        if document is None:
            return None
        return Stored(
            from_json(document),
            None if holder is None else holder.decode(),
            "" if writer is None else writer.decode(),
            None if alive_at is None else float(alive_at),
        )

    async def create(self, record: ShowRecord) -> None:
        await self._write(record, base=0, fence=None)
        await self._list(record.id)

    async def save(self, record: ShowRecord, *, base: int, fence: int | None) -> None:
        """Write `record`, made from revision `base`: on air under the lease's `fence`, else
        only while no server has the show on air. What Redis has lost of a show on air is there
        again.

        Raises HeldElsewhere, StaleRecord or MissingRecord, and then nothing is written.
        """
        if await self._write(record, base=base, fence=fence) == "lost":
            await self._list(record.id)
            await self._write(record, base=0, fence=fence)

    async def delete(self, show_id: ShowId) -> None:
        """Raises HeldElsewhere while a server has the show on air."""
        await self.show_script("delete", show_id, str(FENCE_KEPT_S * 1000))
        await self._asked(lambda: self._redis.delete(key(show_id, "assets")))
        await self._asked(lambda: self._redis.srem(SHOWS, show_id))

    async def asset(self, show_id: ShowId, asset: AssetId) -> bytes | None:
        """The bytes of one of the show's assets, None when they are not stored."""
        data: bytes | None = await self._asked(
            lambda: self._redis.hget(key(show_id, "assets"), asset), _ASSET_TIMEOUT_S
        )
        return data

    async def add_asset(self, show_id: ShowId, asset: AssetId, data: bytes) -> None:
        await self._asked(
            lambda: self._redis.hset(key(show_id, "assets"), asset, data), _ASSET_TIMEOUT_S
        )

    async def remove_asset(self, show_id: ShowId, asset: AssetId) -> None:
        await self._asked(lambda: self._redis.hdel(key(show_id, "assets"), asset))

    async def tokens(self) -> dict[str, TokenRecord]:
        """The producers' tokens by their hashes."""
        rows = await self._asked(lambda: self._redis.hgetall(TOKENS))
        return {
            name.decode(): msgspec.json.decode(document, type=TokenRecord)
            for name, document in rows.items()
        }

    async def add_token(self, token_hash: str, record: TokenRecord) -> None:
        document = msgspec.json.encode(record)
        await self._asked(lambda: self._redis.hset(TOKENS, token_hash, document))

    async def remove_token(self, token_hash: str) -> None:
        await self._asked(lambda: self._redis.hdel(TOKENS, token_hash))

    async def ping(self) -> None:
        await self._asked(self._redis.ping)

    async def faults(self) -> list[str]:
        """What this Redis lacks to keep every answer's promise, in words for an operator."""
        return await faults_of(self._redis)

    async def show_script(self, name: str, show_id: ShowId, *arguments: str) -> list[str]:
        """Run lua/`name`.lua on a show; its answer.

        Raises HeldElsewhere, StaleRecord or MissingRecord when that is the answer.
        """
        keys = [key(show_id, part) for part in ("record", "lease", "fence")]
        answer = await self.connection.script("mediaserver", name, keys, arguments)
        match answer:
            case ["leased", holder]:
                raise HeldElsewhere(holder)
            case ["stale"]:
                raise StaleRecord
            case ["gone"]:
                raise MissingRecord
        return answer

    async def _write(self, record: ShowRecord, *, base: int, fence: int | None) -> str:
        answer = await self.show_script(
            "save",
            record.id,
            to_json(record).decode(),
            str(record.revision),
            str(base),
            self._writer,
            "" if fence is None else str(fence),
        )
        return answer[0]

    async def _list(self, show_id: ShowId) -> None:
        await self._asked(lambda: self._redis.sadd(SHOWS, show_id))
