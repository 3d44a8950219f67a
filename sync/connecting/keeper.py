"""Keeps a connection in order: goes on with what was interrupted, renews tokens ahead of time, asks
TikTok anew what it says of the shop, and whether it still lets us in where that is in doubt.

Every server has one; of several on the same Redis one does the work.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import msgspec

from sync.connecting.authorizing import Authorizing
from sync.connecting.tokens import AHEAD_S, CONNECT_AGAIN, Tokens, ended
from sync.errors import StoreUnavailable
from sync.model import TIKTOK, Authorization, ChannelRecord, Prerequisite, RemoteShop, Warehouse
from sync.store.channel import Channels, Lock, Locked
from sync.store.notices import Notices
from sync.tiktok import wire
from sync.tiktok.client import TikTok
from sync.tiktok.errors import (
    NotAuthorized,
    TikTokError,
    TokenExpired,
    TokenRefused,
    TokenShopMismatch,
)

log = logging.getLogger(__name__)

CHECK_S = 600.0
"""How old TikTok's word on the shop may be."""

CHECK_FAILING_S = 60.0
"""The same while it asks for more, which the seller may be giving it just now."""

AGAIN_S = 30.0
"""When what TikTok did not answer is tried again."""

_PRE_APPROVED = wire.ProductQuery(audit_status=(wire.AuditStatus.PRE_APPROVED,))
_SOME = 10
"""Products that were pre-approved: TikTok tells with them, and nowhere else, that it is still
checking who the seller is."""

LONGEST_REST_S = 3600.0


class Keeper:
    """`webhook_url` is where TikTok reaches this server; `now` gives unix seconds."""

    def __init__(
        self,
        *,
        channels: Channels,
        authorizing: Authorizing,
        tokens: Tokens,
        tiktok: TikTok,
        lock: Lock,
        notices: Notices,
        webhook_url: str,
        now: Callable[[], float],
    ) -> None:
        self._channels = channels
        self._authorizing = authorizing
        self._tokens = tokens
        self._tiktok = tiktok
        self._lock = lock
        self._notices = notices
        self._webhook_url = webhook_url
        self._now = now
        self._changed = asyncio.Event()
        self._renewed_at = float("-inf")

    async def run(self) -> None:
        """Until cancelled. What TikTok or Redis did not answer is tried again."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="channel-notices")
            while True:
                self._changed.clear()
                try:
                    rest_s = await self.tend()
                except (TikTokError, StoreUnavailable) as error:
                    log.info("channel_tended_later error=%s", error)
                    rest_s = AGAIN_S
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(rest_s):
                        await self._changed.wait()

    async def _listen(self) -> None:
        async with contextlib.aclosing(self._notices.listen()) as listening:
            async for notice in listening:
                if notice.kind in ("channel", "all"):
                    self._changed.set()

    async def tend(self) -> float:
        """Do what is due; for how many seconds nothing will be.

        Raises TikTokError or StoreUnavailable for what could not be done.
        """
        record = await self._channels.get(TIKTOK)
        if record.attempt is not None:
            await self._authorizing.proceed()
            record = await self._channels.get(TIKTOK)
            if record.attempt is not None and not record.attempt.choices:
                return AGAIN_S
        if record.authorization is None or record.shop is None:
            return LONGEST_REST_S
        with contextlib.suppress(Locked):
            async with self._lock.held():
                return await self._tend_connection()
        return AGAIN_S

    async def check(self) -> ChannelRecord:
        """Ask TikTok anew what it says of the shop. Raises TikTokError."""
        record = await self._channels.get(TIKTOK)
        if record.authorization is None or record.shop is None:
            raise NotAuthorized("TikTok Shop is not connected: connect it first")
        try:
            return await self._check(record.shop)
        except (TokenRefused, TokenShopMismatch):
            await self._see(record.shop)
            raise

    async def expiring(self, ends_at: float, said_at: float) -> None:
        """TikTok said at `said_at`, which is whole seconds, that the authorization ends at
        `ends_at`."""

        def told(record: ChannelRecord) -> ChannelRecord:
            if record.connected_at is None or said_at < int(record.connected_at):
                return record
            return msgspec.structs.replace(record, authorization_ends_at=ends_at)

        await self._channels.change(TIKTOK, told)

    async def _tend_connection(self) -> float:
        record = await self._channels.get(TIKTOK)
        if record.doubted_at is not None and record.shop is not None:
            await self._see(record.shop)
            record = await self._channels.get(TIKTOK)
        shop = record.shop
        if record.authorization is None or shop is None:
            return LONGEST_REST_S
        due_s = await self._renewed_in_s(record.authorization, record.authorization_ends_at)
        checked_in_s = _next_check(record) - self._now()
        if checked_in_s <= 0:
            try:
                record = await self._check(shop)
            except (TokenRefused, TokenShopMismatch):
                await self._see(shop)
                return 0.0
            checked_in_s = _next_check(record) - self._now()
        return max(0.0, min(due_s, checked_in_s, LONGEST_REST_S))

    async def _renewed_in_s(self, held: Authorization, ends_at: float | None) -> float:
        """Renew the tokens if it is time; in how many seconds it will be."""
        due_s = held.access_expires_at - AHEAD_S - self._now()
        if due_s > 0:
            return due_s
        if ends_at == held.access_expires_at:  # TikTok has refused before
            return LONGEST_REST_S
        again_in_s = self._renewed_at + LONGEST_REST_S - self._now()
        if again_in_s > 0:  # they live shorter than we are ahead: whoever uses them renews them
            return again_in_s
        try:
            await self._tokens.renew()
        except NotAuthorized as error:
            log.warning("tokens_not_renewed error=%s", error)
            return LONGEST_REST_S
        self._renewed_at = self._now()
        return 0.0

    async def _see(self, shop: RemoteShop) -> None:
        """Whether TikTok still lets us into `shop`."""
        connected_at = (await self._channels.get(TIKTOK)).connected_at
        words = ""
        try:
            if shop.id not in {found.id for found in await self._tiktok.shops()}:
                words = f"the seller has taken {shop.name} away from Shopcast: {CONNECT_AGAIN}"
        except (TokenRefused, TokenExpired, TokenShopMismatch) as error:
            words = f"the seller has ended the connection ({error.message}): {CONNECT_AGAIN}"
        now = self._now()

        def seen(record: ChannelRecord) -> ChannelRecord:
            if record.authorization is None or record.connected_at != connected_at:
                return record
            if words:
                return ended(record, words, now)
            return msgspec.structs.replace(record, doubted_at=None)

        await self._channels.change(TIKTOK, seen)
        log.info("tiktok_doubted deauthorized=%s", bool(words))

    async def _check(self, shop: RemoteShop) -> ChannelRecord:
        cipher = wire.ShopCipher(shop.cipher)
        checks = await self._tiktok.prerequisites(cipher)
        places = await self._tiktok.warehouses(cipher)
        held_up = await self._tiktok.search_products(cipher, _PRE_APPROVED, page_size=_SOME)
        at = self._now()
        kyc_pending = any(
            wire.PreApproved.KYC_PENDING in (product.audit.pre_approved_reasons or ())
            for product in held_up.items
            if product.audit is not None
        )
        prerequisites = tuple(
            Prerequisite(each.check_item, bool(each.is_failed), each.fail_reasons)
            for each in checks
        )
        warehouses = tuple(
            Warehouse(
                id=each.id,
                name=each.name or each.id,
                status=each.effect_status or "",
                type=each.type or "",
                is_default=bool(each.is_default),
            )
            for each in places or ()
        )

        def checked(record: ChannelRecord) -> ChannelRecord:
            if record.shop != shop or not record.is_connected:
                return record
            is_told = places is not None  # else the last word stays, as old as it is
            return msgspec.structs.replace(
                record,
                prerequisites=prerequisites,
                prerequisites_at=at,
                warehouses=warehouses if is_told else record.warehouses,
                warehouses_at=at if is_told else record.warehouses_at,
                kyc_pending=kyc_pending,
            )

        record = await self._channels.change(TIKTOK, checked)
        await self._hear(cipher)
        await self._end_restocking(cipher)
        return record

    async def _end_restocking(self, cipher: wire.ShopCipher) -> None:
        """Only this program puts on sale again what was cancelled. If TikTok does so too, no unit
        is sold twice: then it is read what it has."""
        try:
            await self._tiktok.auto_restock(cipher, enabled=False)
        except (TokenRefused, TokenShopMismatch):
            raise
        except TikTokError as error:
            log.warning("tiktok_restocks_by_itself error=%s", error)

    async def _hear(self, cipher: wire.ShopCipher) -> None:
        """Have TikTok's webhooks sent here. Without them everything still comes about by asking."""
        try:
            there = {each.event_type: each.address for each in await self._tiktok.webhooks(cipher)}
            for topic in wire.TOPICS.values():
                if there.get(topic) != self._webhook_url:
                    await self._tiktok.set_webhook(cipher, topic, self._webhook_url)
        except (TokenRefused, TokenShopMismatch):
            raise
        except TikTokError as error:
            log.warning("tiktok_webhooks_not_set error=%s", error)


def _next_check(record: ChannelRecord) -> float:
    """When TikTok is to be asked of the shop again, in unix seconds."""
    if record.prerequisites_at is None:
        return 0.0
    failing = (
        record.kyc_pending
        or not record.warehouses
        or any(each.failed for each in record.prerequisites)
    )
    return record.prerequisites_at + (CHECK_FAILING_S if failing else CHECK_S)
