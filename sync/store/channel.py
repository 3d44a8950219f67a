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
from sync.model import ChannelId, ChannelRecord, RemoteShop
from sync.store.buyers import buyers_keys
from sync.store.categories import CATEGORIES, RULES
from sync.store.hints import HINTS
from sync.store.keys import NOTICES, key
from sync.store.lease import FENCE, LEASE
from sync.store.listings import LISTINGS, REMOTES
from sync.store.notices import encoded
from sync.store.progress import PROGRESS, SEARCHED
from sync.store.remote_skus import REMOTE_SKUS, UNPLACED
from sync.store.uploads import UPLOADS
from sync.store.watermark import WATERMARK

STATE_LIVES_S = 30 * 60
"""How long a seller may take from leaving for the consent page until they come back."""

_TRIES = 20
_AGAIN_S = 0.1

_FORGOTTEN = (CATEGORIES, RULES, PROGRESS, SEARCHED, HINTS)
"""What is read anew of another shop, and of one that comes back."""

_PUT_ASIDE = (LISTINGS, REMOTES, REMOTE_SKUS, UPLOADS, WATERMARK, UNPLACED)
"""What nobody else knows: without it everything would be listed once more in a shop that comes
back, and nobody would know whose its orders are."""


class Locked(SyncError):
    """Somebody else holds the lock."""


class StateRefused(SyncError):
    """A state was used before, or it was never given or is too old."""

    def __init__(self, *, was_used: bool) -> None:
        super().__init__("the state was used before" if was_used else "the state is not known")
        self.was_used = was_used


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
        kept of it: another shop at TikTok has none of its listings. They are there again when
        that shop is. With its authorization go, in the same step, all buyers that it told of."""
        return await self._change(channel, change, None)

    async def change_by(
        self, state: str, channel: ChannelId, change: Callable[[ChannelRecord], ChannelRecord]
    ) -> ChannelRecord:
        """The same, and in the same step `state` is used. Raises StateRefused where it is not
        good, and then nothing is written."""
        return await self._change(channel, change, state)

    async def _change(
        self,
        channel: ChannelId,
        change: Callable[[ChannelRecord], ChannelRecord],
        state: str | None,
    ) -> ChannelRecord:
        for _ in range(_TRIES):
            record = await self.get(channel)
            changed = change(record)
            if changed == record and state is None:
                return record
            changed = msgspec.structs.replace(changed, revision=record.revision + 1)
            if await self._save(channel, record, changed, state):
                return changed
        raise StoreUnavailable(f"the channel {channel} is changed all the time: try again")

    async def _save(
        self, channel: ChannelId, base: ChannelRecord, changed: ChannelRecord, state: str | None
    ) -> bool:
        """Whether `base` was still what is stored. Raises StateRefused."""
        other_shop = base.shop is not None and (
            changed.shop is None or changed.shop.id != base.shop.id
        )
        is_left = base.authorization is not None and (other_shop or changed.authorization is None)
        aside = [
            name
            for here in _PUT_ASIDE
            for name in (here, _aside(here, base.shop), _aside(here, changed.shop))
        ]
        answer = await self._connection.script(
            "sync.store",
            "save_channel",
            [
                channel_key(channel),
                _state_key(state or ""),
                FENCE,
                LEASE,
                *buyers_keys(channel),
                *_FORGOTTEN,
                *aside,
            ],
            [
                msgspec.json.encode(changed),
                base.revision,
                changed.revision,
                NOTICES,
                encoded("channel", channel),
                int(other_shop),
                int(state is not None),
                len(_FORGOTTEN),
                int(is_left),
            ],
        )
        if answer[0] in ("used", "unknown"):
            raise StateRefused(was_used=answer[0] == "used")
        return answer[0] == "ok"

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


def state_hash(state: str) -> str:
    """What is kept of a state, here and in the browser that began: 256 random bits need no salt."""
    return hashlib.sha256(state.encode(errors="surrogatepass")).hexdigest()


def _state_key(state: str) -> str:
    return key(f"oauth:{state_hash(state)}")


class Lock:
    """One server at a time, for as long as it lives and keeps the lock. It keeps others from doing
    the same work; what must not happen twice is held by the revision of what is written."""

    def __init__(self, connection: Connection, name: str, ttl_s: float = 10.0) -> None:
        self._connection = connection
        self._key = key(f"lock:{name}")
        self._ttl_s = ttl_s
        self._owner = secrets.token_hex(8)
        self._turn = asyncio.Lock()
        """Of the tasks of this server, which are one owner to all others."""

    @asynccontextmanager
    async def held(self, wait_s: float = 0.0) -> AsyncIterator[None]:
        """Raises Locked when somebody else holds it for longer than `wait_s`."""
        loop = asyncio.get_running_loop()
        give_up_s = loop.time() + wait_s
        while self._turn.locked() or not await self._took_turn():
            if loop.time() >= give_up_s:
                raise Locked("another server is at it")
            await asyncio.sleep(_AGAIN_S)
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            try:
                await asyncio.gather(keeping, return_exceptions=True)
                with suppress(StoreUnavailable):  # then it runs out
                    await self._run("unlock", self._owner)
            finally:
                self._turn.release()

    async def _took_turn(self) -> bool:
        """Whether the lock is ours now, and this task's."""
        await self._turn.acquire()
        is_ours = False
        try:
            is_ours = await self._took()
        finally:
            if not is_ours:
                self._turn.release()
        return is_ours

    async def _keep(self) -> None:
        """Take it again before it runs out. A server that slept for longer may find it taken."""
        while True:
            await asyncio.sleep(self._ttl_s / 3)
            with suppress(StoreUnavailable):
                await self._took()

    async def _took(self) -> bool:
        (answer,) = await self._run("lock", self._owner, round(self._ttl_s * 1000))
        return answer == "ok"

    async def _run(self, name: str, *arguments: str | int) -> list[str]:
        return await self._connection.script("sync.store", name, [self._key], arguments)


def _aside(name: str, shop: RemoteShop | None) -> str:
    """Where `name` of that shop is while another is connected."""
    return f"{name}:{shop.id if shop else ''}"


def _decoded(channel: ChannelId, document: bytes | None) -> ChannelRecord:
    if document is None:
        return ChannelRecord()
    try:
        return msgspec.json.decode(document, type=ChannelRecord)
    except msgspec.DecodeError as error:
        raise UnreadableChannel(f"what is stored of {channel} cannot be read: {error}") from None
