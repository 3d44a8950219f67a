"""The tokens of the connected seller: where the client has them from, and how they are renewed.

A refresh token may be good only once, so that a pair which is lost loses the connection:

- one caller renews for all of this server, and one server for all on the same Redis (a lock);
- what TikTok gave is stored before anybody uses it, and no caller who gives up interrupts that;
- it is stored in the place of the very pair that it was renewed from. A server which slept
  through its lock overwrites nobody's newer pair, and no disconnecting.

Where the answer to a renewal is lost, and TikTok takes the old refresh token no more, the access
token is used while it lasts, and the seller is told to connect again.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from sync.connecting.storing import patiently, sealed
from sync.errors import UnreadableSecret
from sync.model import TIKTOK, Authorization, ChannelRecord
from sync.secret import Secret, Vault
from sync.store.channel import Channels, Lock, Locked
from sync.tiktok.client import Authorizer
from sync.tiktok.errors import NotAuthorized, TikTokUnavailable, TokenRefused
from sync.tiktok.wire import TokenPair

log = logging.getLogger(__name__)

AHEAD_S = 24 * 3600.0
"""How long before its end an access token is renewed: of the seven days that it lives."""

MARGIN_S = 60.0
"""An access token that ends so soon is not used any more."""

LOCK_WAIT_S = 30.0

CONNECT_AGAIN = "connect TikTok Shop again"


class Tokens:
    """A TokenSource. Its methods raise NotAuthorized when the seller has to connect (again),
    StoreUnavailable, and what renewing raises: TikTokUnavailable, RateLimited, AppRefused."""

    def __init__(
        self,
        channels: Channels,
        authorizer: Authorizer,
        vault: Vault,
        lock: Lock,
        now: Callable[[], float],
    ) -> None:
        self._channels = channels
        self._authorizer = authorizer
        self._vault = vault
        self._lock = lock
        self._now = now
        self._renewal: asyncio.Task[Authorization] | None = None

    async def access_token(self) -> Secret:
        held = await self._held()
        if held.access_expires_at - self._now() <= MARGIN_S:
            held = await self._after(held, is_dead=True)
        return self._opened(held.access_sealed)

    async def renewed(self, stale: Secret) -> Secret:
        held = await self._held()
        token = self._opened(held.access_sealed)
        if token != stale:
            return token
        return self._opened((await self._after(held, is_dead=True)).access_sealed)

    async def renew(self) -> None:
        """Renew the pair now, though the access token may still be good."""
        await self._after(await self._held(), is_dead=False)

    async def close(self, within_s: float) -> None:
        """Let a renewal end that is under way: what TikTok gives in it is given once."""
        if self._renewal is not None and not self._renewal.done():
            await asyncio.wait([self._renewal], timeout=within_s)
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)

    async def _held(self) -> Authorization:
        record = await self._channels.get(TIKTOK)
        if record.authorization is None:
            reason = record.last_error or f"TikTok Shop is not connected: {CONNECT_AGAIN}"
            raise NotAuthorized(reason)
        return record.authorization

    async def _after(self, held: Authorization, *, is_dead: bool) -> Authorization:
        """What comes after `held`, whose access token is of no more use if it `is_dead`. One task
        renews, whoever waits for it or has ceased to."""
        while True:
            if self._renewal is None or self._renewal.done():
                self._renewal = asyncio.create_task(self._renew(held, is_dead), name="renew")
                self._renewal.add_done_callback(_heard)
            found = await asyncio.shield(self._renewal)
            if found.access_sealed != held.access_sealed:
                return found

    async def _renew(self, held: Authorization, is_dead: bool) -> Authorization:
        try:
            async with self._lock.held(LOCK_WAIT_S):
                now_held = await self._held()
                if now_held.access_sealed != held.access_sealed:
                    return now_held
                try:
                    pair = await self._authorizer.refresh(self._opened(held.refresh_sealed))
                except TokenRefused as error:
                    await self._refused(held, is_dead, error)
                    raise
                return await self._stored(held, pair)
        except Locked:
            raise TikTokUnavailable("another server does not finish renewing the tokens") from None

    async def _stored(self, held: Authorization, pair: TokenPair) -> Authorization:
        fresh = sealed(pair, self._vault)

        def replace(record: ChannelRecord) -> ChannelRecord:
            if record.authorization != held:
                return record
            ends_at = record.authorization_ends_at
            if ends_at == held.access_expires_at:  # TikTok had refused before
                ends_at = None
            return msgspec.structs.replace(
                record, authorization=fresh, authorization_ends_at=ends_at, last_error=""
            )

        record = await patiently(lambda: self._channels.change(TIKTOK, replace))
        log.info("tokens_renewed expire_at=%d", fresh.access_expires_at)
        if record.authorization is None:
            raise NotAuthorized(f"TikTok Shop was disconnected meanwhile: {CONNECT_AGAIN}")
        return record.authorization

    async def _refused(self, held: Authorization, is_dead: bool, error: TokenRefused) -> None:
        """TikTok does not renew `held`: an access token that is still good is used while it
        lasts."""
        now = self._now()
        words = f"TikTok does not renew the connection ({error.message}): {CONNECT_AGAIN}"
        log.warning("tokens_refused dead=%s error=%s", is_dead, error)

        def end(record: ChannelRecord) -> ChannelRecord:
            if record.authorization != held:
                return record
            if not is_dead:
                return msgspec.structs.replace(
                    record, authorization_ends_at=held.access_expires_at, last_error=words
                )
            return ended(record, words, now)

        await self._channels.change(TIKTOK, end)

    def _opened(self, text: str) -> Secret:
        try:
            return self._vault.open(text)
        except UnreadableSecret:
            raise NotAuthorized(
                "the stored tokens of TikTok open with none of SHOPCAST_SECRET_KEYS: set the key "
                f"they were sealed with, or {CONNECT_AGAIN}"
            ) from None


def _heard(task: asyncio.Task[Authorization]) -> None:
    """Whoever waited was told what went wrong; if nobody did, the next to ask is."""
    if not task.cancelled():
        task.exception()


def ended(record: ChannelRecord, words: str, now: float) -> ChannelRecord:
    """`record` of a connection that has ended by itself, the tokens forgotten."""
    return msgspec.structs.replace(
        record,
        authorization=None,
        authorization_ends_at=None,
        deauthorized_at=now,
        doubted_at=None,
        last_error=words,
    )
