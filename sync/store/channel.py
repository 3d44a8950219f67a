"""What is kept of each channel, and what passes while one is being connected.

Every write is made from a revision and refused when there is a newer one, so that nothing that two
servers do at once undoes the other. What a seller's browser brings back is kept by its hash.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from sync.connection import Connection
from sync.errors import StoreUnavailable, SyncError
from sync.model import ChannelId, ChannelRecord
from sync.store.categories import CATEGORIES, RULES
from sync.store.hints import HINTS
from sync.store.keys import NOTICES, key
from sync.store.lease import FENCE, LEASE
from sync.store.listings import LISTINGS, REMOTES
from sync.store.notices import encoded
from sync.store.progress import PROGRESS, SEARCHED
from sync.store.uploads import UPLOADS

STATE_LIVES_S = 30 * 60
"""How long a seller may take from leaving for the consent page until they come back."""

_TRIES = 20
_AGAIN_S = 0.1

_OF_ONE_SHOP = (LISTINGS, REMOTES, UPLOADS, CATEGORIES, RULES, PROGRESS, SEARCHED, HINTS)


class Locked(SyncError):
    """Somebody else holds the lock."""


class UnreadableChannel(SyncError):
    """What is stored of a channel is not what this version writes."""


def channel_key(channel: ChannelId) -> str:
    return key(f"channel:{channel}")


class Channels:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def get(self, channel: ChannelId) -> ChannelRecord:
        """A new record where none is stored. Raises UnreadableChannel."""
        document = await self._connection.asked(
            lambda: self._redis.hget(channel_key(channel), "document")
        )
        return _decoded(channel, document)

    async def change(
        self, channel: ChannelId, change: Callable[[ChannelRecord], ChannelRecord]
    ) -> ChannelRecord:
        """What `change` makes of the record, whoever else changes it; as it is stored. A change
        that is none is not written. With the shop of before goes, in the same step, what was
        kept of it: another shop at TikTok has none of its listings."""
        for _ in range(_TRIES):
            record = await self.get(channel)
            changed = change(record)
            if changed == record:
                return record
            if (saved := await self._saved(channel, record, changed)) is not None:
                return saved
        raise StoreUnavailable(f"the channel {channel} is changed all the time: try again")

    async def _saved(
        self, channel: ChannelId, base: ChannelRecord, changed: ChannelRecord
    ) -> ChannelRecord | None:
        """`changed` as it is stored; None when `base` is not what is stored any more."""
        changed = msgspec.structs.replace(changed, revision=base.revision + 1)
        other_shop = base.shop is not None and (
            changed.shop is None or changed.shop.id != base.shop.id
        )
        arguments: list[str | bytes | int] = [
            msgspec.json.encode(changed),
            base.revision,
            changed.revision,
            NOTICES,
            encoded("channel", channel),
            int(other_shop),
        ]
        keys = [channel_key(channel), FENCE, LEASE, *_OF_ONE_SHOP]
        answer = await self._connection.script("sync.store", "save_channel", keys, arguments)
        return changed if answer[0] == "ok" else None

    async def rewrite_log(self) -> None:
        """Have Redis write its append-only file anew, without what was overwritten, if it lets
        us."""
        with suppress(StoreUnavailable):
            await self._connection.asked(self._redis.bgrewriteaof)


class States:
    """The `state` of the consent page: given once, good once, and not for long."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def give(self) -> str:
        state = secrets.token_urlsafe(32)
        await self._connection.asked(
            lambda: self._redis.set(_state_key(state), "given", ex=STATE_LIVES_S)
        )
        return state

    async def use(self, state: str) -> str:
        """Answers good, used, or unknown, which may be one that was too old."""
        (answer,) = await self._connection.script(
            "sync.store", "use_state", [_state_key(state)], []
        )
        return answer


def state_hash(state: str) -> str:
    """What is kept of a state, here and in the browser that began: 256 random bits need no salt."""
    return hashlib.sha256(state.encode(errors="surrogatepass")).hexdigest()


def _state_key(state: str) -> str:
    return key(f"oauth:{state_hash(state)}")


class Lock:
    """One server at a time, and for `lives_s` at most. It keeps others from doing the same work;
    what must not happen twice is held by the revision of what is written."""

    def __init__(self, connection: Connection, name: str, lives_s: float) -> None:
        self._connection = connection
        self._redis = connection.redis
        self._key = key(f"lock:{name}")
        self._lives_ms = round(lives_s * 1000)

    @asynccontextmanager
    async def held(self, wait_s: float = 0.0) -> AsyncIterator[None]:
        """Raises Locked when somebody else holds it for longer than `wait_s`."""
        owner = secrets.token_hex(8)
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + wait_s
        while not await self._taken(owner):
            if loop.time() >= give_up_s:
                raise Locked("another server is at it")
            await asyncio.sleep(_AGAIN_S)
        try:
            yield
        finally:
            with suppress(StoreUnavailable):  # then it runs out
                await self._connection.script("sync.store", "unlock", [self._key], [owner])

    async def _taken(self, owner: str) -> bool:
        taken = await self._connection.asked(
            lambda: self._redis.set(self._key, owner, nx=True, px=self._lives_ms)
        )
        return bool(taken)


def _decoded(channel: ChannelId, document: bytes | None) -> ChannelRecord:
    if document is None:
        return ChannelRecord()
    try:
        return msgspec.json.decode(document, type=ChannelRecord)
    except msgspec.DecodeError as error:
        raise UnreadableChannel(f"what is stored of {channel} cannot be read: {error}") from None
