"""Connecting: from a seller's consent, step by step, to a connected shop.

Each step is stored before the next: that the seller is back (with the code of the consent page,
sealed), the pair of tokens that the code was exchanged for, the shops to choose from. So whatever
ends half-way is gone on with from where it was, by whoever comes next: the seller's page, this
server's task or another's. One thing cannot be: a code whose answer never reached the store. TikTok
takes it no more, and the seller is asked to connect again.

A connection that works is not touched until the new one has its shop.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable

import msgspec

from sync.connecting import outcome, scopes
from sync.connecting.outcome import Outcome
from sync.connecting.storing import patiently, sealed
from sync.errors import Conflict, NotFound, UnreadableSecret
from sync.model import TIKTOK, Attempt, ChannelRecord, RemoteShop
from sync.secret import Secret, Vault
from sync.store.channel import Channels, Lock, Locked, StateRefused, States, state_hash
from sync.tiktok import wire
from sync.tiktok.client import Authorizer, TikTok
from sync.tiktok.errors import (
    AppRefused,
    CodeRefused,
    Misused,
    NotAuthorized,
    RateLimited,
    Refused,
    ScopeMissing,
    TikTokError,
    TikTokUnavailable,
    Unreadable,
)
from sync.tiktok.transport import Transport

log = logging.getLogger(__name__)

SELLER = 0
"""The user_type of a seller's pair."""

CODE_USED_WITHIN_S = wire.CODE_LIVES_S - 60
CHOICE_WITHIN_S = 24 * 3600.0
"""How long the shops to choose from are kept."""

LOCK_WAIT_S = 30.0

ANSWER_WITHIN_S = 20.0
"""How long a browser is kept waiting for TikTok."""


class Consent(msgspec.Struct, frozen=True):
    """Where the seller is to go, and what their browser is to keep to be known again."""

    url: str
    state_hash: str


class Returned(msgspec.Struct, frozen=True):
    """What TikTok sends a seller back with, and what their browser kept; "" is absent."""

    state: str = ""
    code: str = ""
    error: str = ""
    kept: str = ""

    def __repr__(self) -> str:
        return "Returned(***)"


class OneToken:
    """The TokenSource of a pair that is not connected yet, and is not renewed."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    async def access_token(self) -> Secret:
        return self._token

    async def renewed(self, stale: Secret) -> Secret:
        raise NotAuthorized("the tokens are too old to finish with: connect TikTok Shop again")


class Authorizing:
    """Each method raises StoreUnavailable when Redis is away. `now` gives unix seconds."""

    def __init__(
        self,
        *,
        channels: Channels,
        states: States,
        lock: Lock,
        transport: Transport,
        vault: Vault,
        service_id: str,
        consent_page: str,
        now: Callable[[], float],
    ) -> None:
        self._channels = channels
        self._states = states
        self._lock = lock
        self._transport = transport
        self._authorizer = Authorizer(transport)
        self._vault = vault
        self._service_id = service_id
        self._consent_page = consent_page
        self._now = now
        self._going: set[asyncio.Task[Outcome | None]] = set()

    async def begin(self) -> Consent:
        state = await self._states.give()
        url = wire.consent_url(self._service_id, state, base=self._consent_page)
        return Consent(url, state_hash(state))

    async def returned(self, back: Returned) -> Outcome:
        """How it went for the seller who is `back`."""
        if not back.state:
            return outcome.NO_STATE
        if not hmac.compare_digest(
            back.kept.encode(errors="surrogatepass"), state_hash(back.state).encode()
        ):
            return outcome.OTHER_BROWSER
        try:
            return await self._taken(back)
        except StateRefused as error:
            if not error.was_used:
                return outcome.EXPIRED_STATE
            # A browser that loads the page again, perhaps since the first answer got lost.
            return await self._answer() or outcome.USED_STATE

    async def _taken(self, back: Returned) -> Outcome:
        """Use the state up, together with what came with it. Raises StateRefused."""
        refused = outcome.DENIED if back.error else None if back.code else outcome.NO_CODE
        if refused is not None:
            await self._channels.change_by(
                back.state,
                TIKTOK,
                lambda record: _with(record, attempt=record.attempt, refused=refused),
            )
            log.info("tiktok_not_connected outcome=%s", refused.code)
            return refused
        attempt = Attempt(self._now(), code_sealed=self._vault.seal(Secret(back.code)))
        await self._channels.change_by(
            back.state, TIKTOK, lambda record: _with(record, attempt=attempt)
        )
        return await self._answer() or await self._told()

    async def _told(self) -> Outcome:
        """How the attempt went that somebody else, woken by it, was the first to go on with."""
        record = await self._channels.get(TIKTOK)
        if record.refusal:
            return outcome.refusal(record.refusal_code, record.refusal)
        if record.is_connected and record.shop is not None:
            return outcome.connected(record.shop.name)
        return outcome.USED_STATE

    async def _answer(self) -> Outcome | None:
        """How it went, as far as a browser waits for it: it goes on without them."""
        going = asyncio.create_task(self.proceed(), name="connect-tiktok")
        self._going.add(going)
        going.add_done_callback(self._gone)
        await asyncio.wait([going], timeout=ANSWER_WITHIN_S)
        if not going.done():
            return outcome.GOING_ON
        return going.result()

    def _gone(self, going: "asyncio.Task[Outcome | None]") -> None:
        """What went wrong is tried again by the keeper, whether or not somebody was told."""
        self._going.discard(going)
        if not going.cancelled():
            going.exception()

    async def close(self, within_s: float) -> None:
        """Let what is under way end: what TikTok gives in it is given once."""
        if self._going:
            await asyncio.wait(self._going, timeout=within_s)
        for going in tuple(self._going):
            going.cancel()
        await asyncio.gather(*self._going, return_exceptions=True)

    async def proceed(self) -> Outcome | None:
        """Go on with what was begun, as far as it goes; None where nothing was."""
        try:
            async with self._lock.held(LOCK_WAIT_S):
                return await self._proceeded()
        except Locked:
            return outcome.GOING_ON

    async def choose(self, shop_id: str) -> ChannelRecord:
        """Connect one of the shops to choose from. Raises Conflict where there are none now, and
        NotFound."""
        attempt = (await self._channels.get(TIKTOK)).attempt
        if attempt is None or not attempt.choices:
            raise Conflict("there is no shop to choose now: connect TikTok Shop first")
        shop = next((shop for shop in attempt.choices if shop.id == shop_id), None)
        if shop is None:
            raise NotFound("shop to choose", shop_id)
        record = await self._connected(attempt, shop)
        if record.shop != shop or not record.is_connected:
            raise Conflict("somebody else connected or disconnected meanwhile: look again")
        return record

    async def _proceeded(self) -> Outcome | None:
        """One step after the other, each read from the store anew, until one ends it."""
        while (attempt := (await self._channels.get(TIKTOK)).attempt) is not None:
            try:
                found = await self._step(attempt)
            except TikTokError as error:
                ended = _ending(error)
                log.warning("tiktok_connecting error=%s final=%s", error, ended is not None)
                return outcome.GOING_ON if ended is None else await self._ended(attempt, ended)
            except UnreadableSecret:
                return await self._ended(attempt, outcome.KEYS_CHANGED)
            if found is not None:
                return found
        return None

    async def _step(self, attempt: Attempt) -> Outcome | None:
        """The next step of `attempt`; its outcome if it was the last. Raises TikTokError."""
        age_s = self._now() - attempt.began_at
        if attempt.authorization is None:
            if age_s > CODE_USED_WITHIN_S:
                return await self._ended(attempt, outcome.TOO_LATE)
            return await self._exchange(attempt)
        if age_s > CHOICE_WITHIN_S:
            return await self._ended(attempt, outcome.TOO_LATE)
        if attempt.choices:
            return outcome.CHOOSE_SHOP
        access = self._vault.open(attempt.authorization.access_sealed)
        shops = await TikTok(self._transport, OneToken(access)).shops()
        return await self._offer(attempt, tuple(_remote(shop) for shop in shops))

    async def _exchange(self, attempt: Attempt) -> Outcome | None:
        pair = await self._authorizer.exchange(self._vault.open(attempt.code_sealed))
        if pair.user_type not in (SELLER, None):
            return await self._ended(attempt, outcome.NOT_A_SELLER)
        if missing := scopes.missing(pair.granted_scopes):
            return await self._ended(attempt, outcome.scopes_missing(missing))
        got = Attempt(attempt.began_at, authorization=sealed(pair, self._vault))
        await patiently(lambda: self._change(lambda record: _next(record, attempt, got)))
        return None

    async def _offer(self, attempt: Attempt, shops: tuple[RemoteShop, ...]) -> Outcome | None:
        record = await self._channels.get(TIKTOK)
        if not shops:
            return await self._ended(attempt, outcome.NO_SHOP)
        same = record.authorization is not None or record.deauthorized_at is not None
        before = record.shop.id if record.shop is not None and same else None
        chosen = next((shop for shop in shops if shop.id == before), None)
        if len(shops) == 1:
            (chosen,) = shops
        if chosen is not None:
            record = await self._connected(attempt, chosen)
            is_ours = record.shop == chosen and record.is_connected
            return outcome.connected(chosen.name) if is_ours else None
        offered = msgspec.structs.replace(attempt, choices=shops)
        await self._change(lambda record: _next(record, attempt, offered))
        return None

    async def _connected(self, attempt: Attempt, shop: RemoteShop) -> ChannelRecord:
        def connect(record: ChannelRecord) -> ChannelRecord:
            if record.attempt != attempt:
                return record
            is_other = record.shop is not None and record.shop.id != shop.id
            return msgspec.structs.replace(
                _undeclared(record) if is_other else _declared(record),
                authorization=attempt.authorization,
                shop=shop,
                connected_at=self._now(),
            )

        record = await self._change(connect)
        log.info("tiktok_connected shop=%s is_connected=%s", shop.id, record.is_connected)
        return record

    async def _ended(self, attempt: Attempt, found: Outcome) -> Outcome:
        """End `attempt`, if it is still the one."""

        def end(record: ChannelRecord) -> ChannelRecord:
            if record.attempt != attempt:
                return record
            return _with(record, attempt=None, refused=found)

        await self._change(end)
        log.info("tiktok_not_connected outcome=%s", found.code)
        return found

    async def _change(self, change: Callable[[ChannelRecord], ChannelRecord]) -> ChannelRecord:
        return await self._channels.change(TIKTOK, change)


async def disconnect(channels: Channels) -> ChannelRecord:
    """Forget the tokens, and whatever was under way. What the seller declared and the shop's
    listings stay, for the day it is connected again. Raises StoreUnavailable."""
    record = await channels.change(TIKTOK, _declared)
    await channels.rewrite_log()
    log.info("tiktok_disconnected")
    return record


def _declared(record: ChannelRecord) -> ChannelRecord:
    """What stays of `record` from one connection of a shop to the next."""
    return msgspec.structs.replace(
        _undeclared(record),
        shop=record.shop,
        tier=record.tier,
        account_attested_at=record.account_attested_at,
        orders_day=record.orders_day,
        orders_count=record.orders_count,
    )


def _undeclared(record: ChannelRecord) -> ChannelRecord:
    """What stays of `record` when another shop is connected: its tier is another, as are its orders
    of the day."""
    return ChannelRecord(auto_sync=record.auto_sync, stock=record.stock, revision=record.revision)


def _with(
    record: ChannelRecord, *, attempt: Attempt | None, refused: Outcome | None = None
) -> ChannelRecord:
    text, code = (refused.text, refused.code) if refused is not None else ("", "")
    return msgspec.structs.replace(record, attempt=attempt, refusal=text, refusal_code=code)


def _next(record: ChannelRecord, before: Attempt, after: Attempt) -> ChannelRecord:
    """`record` one step on, unless it is at another attempt by now."""
    return _with(record, attempt=after) if record.attempt == before else record


def _remote(shop: wire.Shop) -> RemoteShop:
    return RemoteShop(
        id=shop.id,
        name=shop.name or shop.id,
        region=shop.region or "",
        cipher=shop.cipher,
        seller_type=shop.seller_type or "",
    )


def _ending(error: TikTokError) -> Outcome | None:
    """How `error` ends an attempt; None where trying again later may help."""
    match error:
        case TikTokUnavailable() | RateLimited():
            return None
        case CodeRefused():
            return outcome.CODE_REFUSED
        case ScopeMissing():
            return outcome.scopes_missing(scopes.NEEDED[:1])
        case AppRefused() | Misused():
            return outcome.app_refused(error.message)
        case NotAuthorized() | Refused():
            return outcome.CODE_REFUSED
        case Unreadable():
            return outcome.TIKTOK_CHANGED
    return outcome.TIKTOK_CHANGED
