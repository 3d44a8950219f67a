"""What a person does with TikTok's orders from here: TikTok is told, and the order read again."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, get_args

from sync.errors import Conflict, Invalid
from sync.model import TIKTOK, RemoteShop
from sync.orders.intake import Intake
from sync.orders.moves import Units
from sync.orders.order import LineId, Order, OrderStatus
from sync.store.channel import Channels
from sync.tiktok import wire
from sync.tiktok.client import TikTok
from sync.tiktok.errors import Refused, ScopeMissing, TikTokUnavailable


class Parcel(NamedTuple):
    """How units are sent; `carrier` is the name of one of TikTok's shipping providers, or its id
    there."""

    tracking_number: str
    carrier: str


class TikTokDesk:
    """Its calls raise TikTokError, StoreUnavailable, Invalid, and Conflict where TikTok refuses or
    no shop is connected. Where TikTok's answer was lost, the order says what became of it."""

    def __init__(self, tiktok: TikTok, channels: Channels, intake: Intake) -> None:
        self._tiktok = tiktok
        self._channels = channels
        self._intake = intake

    async def look(self, order: Order) -> None:
        """Take it in as it is at TikTok now."""
        shop = await self._shop()
        await self._intake.take(_cipher(shop), [order.remote_id])

    async def fulfil(self, order: Order, units: Units | None, parcel: Parcel) -> None:
        """Say that those units, None for all that are left, have left in `parcel`."""
        shop = await self._shop()
        cipher = _cipher(shop)
        remote = await self._remote(cipher, order)
        if remote.shipping_type == wire.ShippingType.TIKTOK:
            raise Conflict(
                f"TikTok has the order {order.remote_id} shipped by a carrier of its own: print "
                "its label in the Seller Center"
            )
        lines = _lines(order, units)
        provider = await self._provider(cipher, remote, parcel.carrier)

        async def ask() -> None:
            await self._tiktok.mark_shipped(
                cipher,
                order.remote_id,
                tracking_number=parcel.tracking_number,
                provider_id=provider,
                line_item_ids=lines,
            )

        await self._asked(cipher, order, ask, wire.ALREADY_SHIPPED)

    async def cancel(self, order: Order, units: Units | None, why: wire.CancelWhy | None) -> None:
        """Cancel those units, None for all. Where the buyer waits for that, their wish is
        granted."""
        shop = await self._shop()
        cipher = _cipher(shop)
        remote = await self._remote(cipher, order)
        lines = _lines(order, units)
        wish = None if lines else await self._wish(cipher, order)
        if wish is None and why is None:
            raise Invalid(f"must be one of {', '.join(get_args(wire.CancelWhy))}", "why")
        reason = "" if why is None else wire.cancel_reason(why, remote.status, shop.region)

        async def ask() -> None:
            if wish is not None:
                await self._tiktok.approve_cancellation(cipher, wish, f"approve-{wish}")
            else:
                await self._tiktok.cancel_order(cipher, order.remote_id, reason, lines)

        await self._asked(cipher, order, ask, wire.ALREADY_CANCELLED)

    async def _asked(
        self,
        shop: wire.ShopCipher,
        order: Order,
        ask: Callable[[], Awaitable[None]],
        was_done: frozenset[int],
    ) -> None:
        """Ask, and see what the order is like then, whatever the answer."""
        try:
            await ask()
        except Refused as error:
            if error.code not in was_done:
                raise Conflict(f"TikTok refuses: {error.message}") from None
        except ScopeMissing as error:
            raise _not_allowed(error) from None
        except TikTokUnavailable:
            await self._intake.take(shop, [order.remote_id])
            raise
        await self._intake.take(shop, [order.remote_id])

    async def _shop(self) -> RemoteShop:
        record = await self._channels.get(TIKTOK)
        if record.shop is None or not record.is_connected:
            raise Conflict("no TikTok Shop is connected: connect it, or act in the Seller Center")
        return record.shop

    async def _remote(self, shop: wire.ShopCipher, order: Order) -> wire.Order:
        found = await self._tiktok.orders(shop, [order.remote_id])
        if not found:
            raise Conflict(f"the TikTok Shop that is connected has no order {order.remote_id}")
        return found[0]

    async def _provider(self, shop: wire.ShopCipher, remote: wire.Order, carrier: str) -> str:
        if remote.delivery_option_id is None:
            return carrier
        providers = await self._tiktok.shipping_providers(shop, remote.delivery_option_id)
        for each in providers:
            if carrier.casefold() in (each.id.casefold(), (each.name or "").casefold()):
                return each.id
        named = ", ".join(sorted(each.name or each.id for each in providers))
        raise Invalid(f"must be one of TikTok's carriers: {named}", "carrier")

    async def _wish(self, shop: wire.ShopCipher, order: Order) -> str | None:
        """The buyer's that waits for an answer."""
        query = wire.CancellationQuery(order_ids=(order.remote_id,))
        try:
            async for page in self._tiktok.cancellation_pages(shop, query):
                for each in page.items:
                    if (each.cancel_type, each.cancel_status) == (
                        wire.CancelType.BUYER_CANCEL,
                        wire.CancelStatus.PENDING,
                    ):
                        return each.cancel_id
        except ScopeMissing as error:
            raise _not_allowed(error) from None
        return None


def _not_allowed(error: ScopeMissing) -> Conflict:
    return Conflict(
        f"TikTok refuses: {error.message} Add the scope to the app in TikTok's Partner Center and "
        "connect again, or act in the Seller Center"
    )


def _lines(order: Order, units: Units | None) -> Sequence[LineId]:
    """Line items at TikTok, none for all: each is one unit. Raises Invalid and Conflict."""
    if units is None:
        return ()
    if not units:
        raise Invalid("names no line", "lines")
    lines = {line.id: line for line in order.lines}
    for number, (line_id, count) in enumerate(units.items()):
        line = lines.get(line_id)
        if line is None:
            raise Invalid(f"the order has no line {line_id!r}", f"lines[{number}].line")
        if count != 1:
            raise Invalid("a line of TikTok's is one unit", f"lines[{number}].units")
        if line.status == OrderStatus.CANCELLED or line.sent:
            raise Conflict(f"the line {line_id} is {line.status}")
    return tuple(units)


def _cipher(shop: RemoteShop) -> wire.ShopCipher:
    return wire.ShopCipher(shop.cipher)
