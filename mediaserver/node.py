"""This server: all the shows it knows, who may do what, and how much it takes on."""

import asyncio
import hmac
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

from mediaserver.clock import Clock
from mediaserver.errors import Conflict, Forbidden, NodeFull, NotFound, Unauthorized
from mediaserver.feed import Feed
from mediaserver.lease import Leases, base_url_of, server_of
from mediaserver.media import Media
from mediaserver.packet import CanvasId, FeedId, ShowId, TargetId
from mediaserver.secret import new_token, token_hash
from mediaserver.settings import CapacitySettings
from mediaserver.show import Show
from mediaserver.show.core import OnTarget, unheard
from mediaserver.state import CanvasRecord, ShowRecord, UnreadableRecord
from mediaserver.store import Store, TokenRecord
from sync.errors import StoreUnavailable
from sync.secret import Secret, Vault

log = logging.getLogger(__name__)

Role = Literal["owner", "producer", "host"]

MAX_SHOWS = 1000
"""Shows that are kept at a time, on air or not."""


ALONE_TIMEOUT_S = 3.0
"""How long one of many shows may take when all have their turn: well within a lease."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks. A host is one by the token of one feed; `name` is that of a producer's token."""

    role: Role
    show_id: ShowId | None = None
    feed_id: FeedId | None = None
    name: str = ""

    @property
    def who(self) -> str:
        """As histories have it."""
        return f"{self.role} {self.name}".strip()


class Node:
    """All shows of this process. Each show's task runs in `tasks`."""

    def __init__(
        self,
        *,
        tasks: asyncio.TaskGroup,
        store: Store,
        leases: Leases,
        vault: Vault,
        media: Media,
        capacity: CapacitySettings,
        owner_token: Secret,
        clock: Clock,
        resume_within_s: float = 600.0,
        now: Callable[[], float] = time.time,
        on_target: OnTarget = unheard,
    ) -> None:
        self._tasks = tasks
        self._store = store
        self._leases = leases
        self._vault = vault
        self._media = media
        self._capacity = capacity
        self._owner_hash = token_hash(owner_token)
        self._clock = clock
        self._shows: dict[ShowId, tuple[Show, asyncio.Task[None]]] = {}
        self._tokens: dict[str, TokenRecord] = {}
        self._resume_within_s = resume_within_s
        self._now = now
        self._on_target = on_target
        self._left: set[ShowId] = set()

    # ---- shows

    @property
    def known(self) -> list[Show]:
        """The shows in memory, on air or not."""
        return [show for show, _ in self._shows.values()]

    async def shows(self) -> list[Show]:
        """All shows, as they are stored now; with Redis away those in memory."""
        try:
            ids = await self._store.show_ids()
            for show_id in self._shows.keys() - ids:
                if not self._shows[show_id][0].on_air:
                    await self._drop(show_id)
            for show_id in ids:
                await self._alone(show_id, "load", partial(self._refreshed, show_id))
            self._tokens = await self._store.tokens()
        except StoreUnavailable:
            pass
        return self.known

    async def show(self, show_id: ShowId) -> Show:
        """Raises NotFound."""
        try:
            return await self._refreshed(show_id)
        except StoreUnavailable:
            if show_id not in self._shows:
                raise
            return self._shows[show_id][0]

    async def create(
        self,
        title: str,
        canvases: Mapping[CanvasId, CanvasRecord],
        *,
        starts_at: float | None,
        channels: tuple[str, ...],
    ) -> Show:
        """Raises StoreUnavailable: a show that is not stored would be gone at a restart."""
        if len(self._shows) >= MAX_SHOWS:
            raise Conflict(f"this server keeps at most {MAX_SHOWS} shows: delete some first")
        record = ShowRecord(
            id=ShowId(secrets.token_hex(5)),
            title=title,
            canvases=dict(canvases),
            starts_at=starts_at,
            channels=channels,
        )
        await self._store.create(record)
        log.info("show_created show=%s", record.id)
        return self._add(record)

    async def delete(self, show_id: ShowId) -> None:
        """Raises Conflict while the show is on air, here or elsewhere, or is being recorded."""
        try:
            show = await self.show(show_id)
        except UnreadableRecord:
            log.warning("show_deleted_unread show=%s", show_id)
        else:
            if show.on_air:
                raise Conflict("the show is on air: end it before deleting it")
            if any(each.status == "recording" for each in show.recording_statuses().values()):
                raise Conflict("the show is being recorded: stop that before deleting it")
        await self._store.delete(show_id)
        log.info("show_deleted show=%s", show_id)
        if show_id in self._shows:
            await self._drop(show_id)

    async def start(self, show: Show) -> bool:
        """Raises NodeFull, HeldElsewhere, StoreUnavailable."""
        self._check_room(show, len(show.record.targets))
        return await show.start()

    async def start_target(self, show: Show, target_id: TargetId) -> bool:
        """Raises NodeFull, HeldElsewhere, StoreUnavailable, NotFound, Conflict."""
        self._check_room(show, show.sending() + 1)
        return await show.start_target(target_id)

    # ---- who

    async def identify(self, hashed: str, show_id: ShowId | None = None) -> Principal:
        """Whose token has that hash; `show_id` is the show it is used for. Raises Unauthorized."""
        if hmac.compare_digest(hashed, self._owner_hash):
            return Principal("owner")
        host = self._host(hashed)
        try:
            if host is not None and host.show_id is not None:
                await self._refreshed(host.show_id)  # another server may have made a new invitation
            else:
                self._tokens = await self._store.tokens()
                if hashed not in self._tokens and show_id is not None:
                    await self._refreshed(show_id)
        except StoreUnavailable:
            log.debug("tokens_from_memory")
        except (NotFound, UnreadableRecord) as error:
            log.debug("no_hosts_of show=%s reason=%s", show_id, error)
        if hashed in self._tokens:
            return Principal("producer", name=self._tokens[hashed].name)
        if host := self._host(hashed):
            return host
        raise Unauthorized("the token is not, or no longer, good: ask for a new one")

    def _host(self, hashed: str) -> Principal | None:
        for show in self.known:
            if (feed_id := show.feed_of(hashed)) is not None:
                return Principal("host", show.id, feed_id)
        return None

    def knows(self, hashed: str) -> bool:
        """Whether the token of that hash was good when this server last looked."""
        return (
            hmac.compare_digest(hashed, self._owner_hash)
            or hashed in self._tokens
            or any(show.feed_of(hashed) is not None for show in self.known)
        )

    async def mint(self, name: str) -> tuple[str, Secret]:
        """A producer's token, with the id by which it is revoked. Raises StoreUnavailable."""
        token = new_token("producer")
        record = TokenRecord(secrets.token_hex(5), name, time.time())
        await self._store.add_token(token_hash(token), record)
        self._tokens[token_hash(token)] = record
        return record.id, token

    async def tokens(self) -> list[TokenRecord]:
        """The producers' tokens, in the order of their making. Raises StoreUnavailable."""
        self._tokens = await self._store.tokens()
        return sorted(self._tokens.values(), key=lambda token: token.created_at)

    async def revoke(self, token_id: str) -> None:
        """Raises NotFound, StoreUnavailable."""
        for hashed, record in (await self._store.tokens()).items():
            if record.id == token_id:
                await self._store.remove_token(hashed)
                self._tokens.pop(hashed, None)
                return
        raise NotFound("token", token_id)

    # ---- WHIP (mediaserver.webrtc.publishing.Publishing)

    def publisher(self, show_id: str, token: str) -> Feed:
        """The feed that `token` may publish. Raises NotFound, Unauthorized, Forbidden."""
        hashed = token_hash(Secret(token))
        if ShowId(show_id) not in self._shows:
            raise NotFound("show", show_id)
        show = self._shows[ShowId(show_id)][0]
        feed_id = show.feed_of(hashed)
        if feed_id is not None:
            show.stir()
            return show.feed(feed_id)
        elsewhere = any(other.feed_of(hashed) is not None for other in self.known)
        if elsewhere or hashed in self._tokens or hmac.compare_digest(hashed, self._owner_hash):
            raise Forbidden("this token does not publish a feed of this show")
        raise Unauthorized("the invitation is not, or no longer, good: ask for a new one")

    def elsewhere(self, show_id: str) -> str | None:
        """The base URL of another server that has the show on air."""
        holder = self._shows[ShowId(show_id)][0].holder
        return None if holder is None else base_url_of(holder)

    def reserve(self) -> None:
        """Raises NodeFull when this server carries as many feeds as it may."""
        if self.connected() >= self._capacity.feeds:
            raise NodeFull("feeds")

    def connected(self) -> int:
        """Hosts' connections that bring a feed, or wait to."""
        feeds = [feed for show in self.known for feed in show.feeds().values()]
        return sum((feed.source is not None) + (feed.contender is not None) for feed in feeds)

    # ---- the server's life

    async def run(self) -> None:
        """Resume what was on air, then keep the leases of the shows on air, until cancelled."""
        while True:
            await self.resume()
            await asyncio.sleep(self._leases.ttl_s / 3)
            await self.keep()

    async def resume(self) -> None:
        """Go on with the shows that an earlier run of this server left on air, unless that was
        too long ago, or somebody has seen to them since."""
        for show_id in tuple(self._left):
            await self._alone(show_id, "resume", partial(self._resume, show_id))

    async def _resume(self, show_id: ShowId) -> None:
        stored = await self._store.load(show_id)
        if stored is not None and stored.holder is not None and self._is_earlier(stored.holder):
            return  # it was killed just now: its lease runs out soon
        if stored is None or not stored.record.on_air or not self._is_earlier(stored.writer):
            self._left.discard(show_id)
            return
        # A clock that was set back makes no outage.
        outage_s = max(0.0, self._now() - (stored.alive_at or 0.0))
        if outage_s > self._resume_within_s:
            log.warning("show_interrupted show=%s outage_s=%.0f", show_id, outage_s)
            self._left.discard(show_id)
            return
        log.info("show_resumed show=%s outage_s=%.1f", show_id, outage_s)
        await self.start(await self._refreshed(show_id))
        self._left.discard(show_id)

    def _is_earlier(self, holder: str) -> bool:
        """Whether `holder` is an earlier run of this server."""
        ours = self._leases.holder
        return holder != ours and server_of(holder) == server_of(ours)

    async def keep(self) -> None:
        """Renew every lease and store what is not stored yet."""
        await asyncio.gather(*(self._alone(show.id, "keep", show.keep) for show in self.known))

    async def store_back(self) -> None:
        """Redis answers again: store what is not stored yet, and see what others have."""
        await self.keep()
        await self.shows()

    async def hush(self, _app: object) -> None:
        """Tell listeners no more: the server ends."""
        for show in self.known:
            show.events.close()

    async def close(self) -> None:
        """Take every show off air, cleanly."""
        await asyncio.gather(*(show.close() for show in self.known))
        for _, task in self._shows.values():
            task.cancel()
        self._shows.clear()

    async def _alone(
        self, show_id: ShowId, what: str, doing: Callable[[], Awaitable[object]]
    ) -> None:
        """Do something for one of many shows: its trouble is not the others', nor its slowness."""
        try:
            async with asyncio.timeout(ALONE_TIMEOUT_S):
                await doing()
        except StoreUnavailable:
            log.debug("show_left show=%s doing=%s reason=store_away", show_id, what)
        except TimeoutError:
            log.error("show_hangs show=%s doing=%s", show_id, what)
        except (Conflict, NodeFull, NotFound, UnreadableRecord) as error:
            log.error("show_failed show=%s doing=%s reason=%s", show_id, what, error)
        except Exception:
            log.exception("show_failed show=%s doing=%s", show_id, what)

    async def _refreshed(self, show_id: ShowId) -> Show:
        if show_id in self._shows:
            show = self._shows[show_id][0]
            try:
                await show.refresh()
            except NotFound:
                await self._drop(show_id)
                raise
            return show
        stored = await self._store.load(show_id)
        if stored is None:
            raise NotFound("show", show_id)
        if show_id in self._shows:
            return self._shows[show_id][0]
        if stored.record.on_air and self._is_earlier(stored.writer):
            self._left.add(show_id)
        return self._add(stored.record, stored.holder)

    def _add(self, record: ShowRecord, holder: str | None = None) -> Show:
        show = Show(
            record,
            media=self._media,
            store=self._store,
            leases=self._leases,
            vault=self._vault,
            clock=self._clock,
            holder=holder,
            now=self._now,
            on_target=self._on_target,
        )
        task = self._tasks.create_task(show.run(), name=f"show-{show.id}")
        self._shows[show.id] = show, task
        return show

    async def _drop(self, show_id: ShowId) -> None:
        show, task = self._shows.pop(show_id)
        task.cancel()
        await show.close()

    def _check_room(self, show: Show, targets: int) -> None:
        """Raises NodeFull when `show` may not go on air, or not with so many `targets`."""
        others = [other for other in self.known if other is not show and other.on_air]
        if not show.on_air and len(others) >= self._capacity.shows:
            raise NodeFull("shows on air")
        if sum(other.sending() for other in others) + targets > self._capacity.targets:
            raise NodeFull("targets")
