"""What tests and people do with the sandbox from outside of TikTok's API: look, move the clock,
shop, change shops and verdicts, and make things fail.

Each public method of Control that is awaited is a call of its own over HTTP too, with its
arguments as JSON: see control_api.py.
"""

import math
from typing import Any

import msgspec

from sync.sandbox import access, cancelling, expiry, returning, shipping, shoppers, wire
from sync.sandbox.api.orders import amount
from sync.sandbox.audit import Verdict
from sync.sandbox.errors import ControlError, ShopperRefused
from sync.sandbox.faults import Fault, FaultKind, Purchase, SchemaChange
from sync.sandbox.hooks import Hook
from sync.sandbox.ids import CategoryId, ProductId, RoomId
from sync.sandbox.orders import Order
from sync.sandbox.products import Product
from sync.sandbox.world import Market, World

Json = dict[str, Any]


class Control:
    """Controls `world`. Raises ControlError, and ShopperRefused where shoppers are turned away."""

    def __init__(self, world: World) -> None:
        self._world = world

    # Looking

    async def state(self) -> Json:
        """Counts of everything, and what is set."""
        world = self._world
        return {
            "now": world.clock.now(),
            "app": {
                "app_key": world.app_key,
                "service_id": world.service_id,
                "redirect_url": world.redirect_url,
                "scopes": world.scopes,
                "requests_per_second": world.limit.per_second,
            },
            "sellers": [
                {
                    "key": seller.key,
                    "name": seller.name,
                    "authorized": seller.key in world.tokens.current,
                    "shops": [self._shop(world.markets[shop.id]) for shop in seller.shops],
                }
                for seller in world.sellers.values()
            ],
            "images": len(world.images),
            "audits": {"seconds": world.auditor.seconds, "verdicts": world.auditor.verdicts},
            "faults": world.faults.calls,
            "schema": world.faults.schema,
            "purchases": world.faults.purchases,
            "webhooks": {
                "counts": dict(world.courier.counts),
                "tampering": world.courier.tampering,
            },
            "requests": await self.requests(),
        }

    async def products(self, shop_id: str | None = None) -> list[Json]:
        """The products of a shop (None: of the first one) with prices and stock by SKU."""
        return [
            self._product(product)
            for product in self._world.market(shop_id).catalogue.by_id.values()
        ]

    async def orders(self, shop_id: str | None = None) -> list[Json]:
        return [self._order(order) for order in self._world.market(shop_id).orders.by_id.values()]

    async def requests(self) -> dict[str, dict[str, int]]:
        """How often each endpoint was answered with each code; 0 is done (whether the answer
        came or not), -1 a connection that ended before."""
        counted: dict[str, dict[str, int]] = {}
        for (name, code), count in sorted(self._world.requests.items()):
            counted.setdefault(name, {})[str(code)] = count
        return counted

    async def forget_requests(self) -> Json:
        """Count requests from nothing again."""
        self._world.requests.clear()
        return {}

    async def webhooks(self) -> list[Json]:
        """The last tries to deliver webhooks."""
        return [msgspec.to_builtins(each) for each in self._world.courier.recent]

    # Time

    async def clock(self, advance_s: float = 0.0) -> Json:
        """Move on, doing all that falls due at its time, webhooks and their retries included."""
        try:
            await self._world.clock.advance(advance_s, self._world.courier.settled)
        except ValueError as error:
            raise ControlError(f"advance_s: {error}") from error
        return {"now": self._world.clock.now()}

    # The app and its sellers

    async def app(
        self,
        redirect_url: str | None = None,
        scopes: list[str] | None = None,
        requests_per_second: float | None = None,
        unlimited: bool = False,
    ) -> Json:
        """Change what the app has: scopes count from the next consent on."""
        world = self._world
        if redirect_url is not None:
            world.redirect_url = redirect_url
        if scopes is not None:
            unknown = sorted(set(scopes) - set(wire.SCOPES))
            if unknown:
                raise ControlError(f"there is no scope {unknown[0]!r}")
            world.scopes = tuple(scopes)
        if requests_per_second is not None:
            if not requests_per_second > 0:
                raise ControlError("requests_per_second must be above 0")
            world.limit.per_second = requests_per_second
        if unlimited:
            world.limit.per_second = None
        return {}

    async def consent(self, seller: str, state: str | None = None, allow: bool = True) -> Json:
        """What clicking the consent page through does: `redirect` is where the browser is sent."""
        if allow:
            return {"redirect": access.agree(self._world, seller, state)}
        return {"redirect": access.refuse(self._world, state)}

    async def expire_tokens(self) -> Json:
        """Let every access token expire now."""
        return {"expired": self._world.tokens.expire()}

    async def deauthorize(self, seller: str) -> Json:
        """The seller takes the app's permission back."""
        expiry.deauthorize(self._world, seller)
        return {}

    async def shop(
        self,
        shop_id: str | None = None,
        kyc_pending: bool | None = None,
        granted: list[str] | None = None,
        product_limit: int | None = None,
        orders_per_day: int | None = None,
        no_limits: bool = False,
        holiday: bool | None = None,
        failing: dict[str, list[str]] | None = None,
        warehouse_status: str | None = None,
    ) -> Json:
        """Change a shop (None: the first): its KYC, the gated categories granted, the tier's
        limits, its holidays, the prerequisites failing with their reasons, the effect_status of
        its warehouses."""
        market = self._world.market(shop_id)
        shop = market.shop
        if failing is not None:
            unknown = sorted(set(failing) - set(wire.PREREQUISITES))
            if unknown:
                raise ControlError(f"there is no prerequisite {unknown[0]!r}")
            shop.failing = failing
        if no_limits:
            shop.product_limit = shop.orders_per_day = None
        if product_limit is not None:
            shop.product_limit = product_limit
        if orders_per_day is not None:
            shop.orders_per_day = orders_per_day
        if holiday is not None:
            shop.holiday = holiday
        if warehouse_status is not None:
            for place in shop.warehouses:
                place.effect_status = warehouse_status
        if kyc_pending is not None:
            shop.kyc_pending = kyc_pending
        if granted is not None:
            shop.granted = {CategoryId(each) for each in granted}
        self._world.auditor.look_again(shop, market.catalogue)
        return self._shop(market)

    async def product(
        self,
        product_id: str,
        status: str | None = None,
        reason: str = "",
        on_promotion: bool | None = None,
    ) -> Json:
        """Change a product as the platform would: FREEZE or PLATFORM_DEACTIVATED it, or give it
        a status that nobody has heard of; lock its price by a promotion."""
        market, product = self._find(product_id)
        if status is not None:
            now = self._world.clock.seconds()
            market.catalogue.move(product, status, now)
            product.suspended_reason = reason
            if status != wire.Status.ACTIVATE:
                self._world.auditor.withdraw(market.shop, market.catalogue, product)
            self._world.auditor.tell_status(market.shop, product, "PRODUCT_STATUS_CHANGED", reason)
        if on_promotion is not None:
            product.on_promotion = on_promotion
        return self._product(product)

    async def audits(
        self, seconds: float | None = None, verdicts: list[Verdict] | None = None
    ) -> Json:
        """How long audits take from now on, and the rules by which they end."""
        if seconds is not None:
            self._world.auditor.seconds = seconds
        if verdicts is not None:
            self._world.auditor.verdicts = verdicts
        return {}

    # Shoppers

    async def buy(
        self,
        sku_id: str | None = None,
        quantity: int = 1,
        basket: dict[str, int] | None = None,
        room_id: str | None = None,
        buyer: str = "shopper",
        paid: bool = False,
        message: str = "",
        costs: shoppers.Paid = shoppers.NOTHING_BESIDE,
    ) -> Json:
        """Buy `quantity` of `sku_id`, or a `basket` of units by SKU; in a LIVE with `room_id`.
        `costs` are discounts of each unit, shipping and tax, in minor units."""
        wanted = dict(basket or {})
        if sku_id is not None:
            wanted[sku_id] = quantity
        order = shoppers.buy(
            self._world, wanted, room_id=room_id, buyer=buyer, paid=costs, message=message
        )
        if paid:
            shoppers.pay(self._world, order.id)
        return self._order(order)

    async def crowd(
        self,
        sku_ids: list[str],
        orders: int,
        quantity: int = 1,
        room_id: str | None = None,
        paid: bool = False,
    ) -> Json:
        """Let as many shoppers as `orders` buy, by turns of `sku_ids`, until one is turned away:
        `order_ids` are what they ordered, `reason` is why the last one did not, if so."""
        bought: list[str] = []
        for number in range(orders):
            basket = {sku_ids[number % len(sku_ids)]: quantity} if sku_ids else {}
            try:
                order = shoppers.buy(self._world, basket, room_id=room_id, buyer=f"shopper{number}")
            except ShopperRefused as error:
                return {"order_ids": bought, "reason": error.reason}
            if paid:
                shoppers.pay(self._world, order.id)
            bought.append(order.id)
        return {"order_ids": bought, "reason": None}

    async def pay(self, order_id: str) -> Json:
        return self._order(shoppers.pay(self._world, order_id))

    async def ship(self, order_id: str, line_items: list[str] | None = None) -> Json:
        """Give units to the post, which takes them away."""
        return self._order(shipping.ship(self._world, order_id, line_items))

    async def deliver(self, order_id: str) -> Json:
        return self._order(shoppers.deliver(self._world, order_id))

    async def complete(self, order_id: str) -> Json:
        return self._order(shoppers.complete(self._world, order_id))

    async def cancel(
        self,
        order_id: str,
        line_items: list[str] | None = None,
        reason: str = "No longer needed",
        role: str = "BUYER",
    ) -> Json:
        return self._order(
            cancelling.cancel(self._world, order_id, line_items, reason=reason, role=role)
        )

    async def ask_to_cancel(
        self,
        order_id: str,
        reason: str = "ecom_order_to_ship_canceled_reason_no_longer_needed",
    ) -> Json:
        """The buyer asks the seller to cancel an order that is held no longer."""
        return {"cancel_id": cancelling.ask(self._world, order_id, reason).id}

    async def order(self, order_id: str, status: str) -> Json:
        """Give an order a status, one that nobody has heard of too."""
        return self._order(shoppers.declare(self._world, order_id, status))

    async def give_back(
        self,
        order_id: str,
        line_items: list[str] | None = None,
        return_type: str = wire.RETURN_AND_REFUND,
        reason: str = "ecom_order_delivered_refund_and_return_reason_no_longer_needed",
    ) -> Json:
        """Ask to return units of an order that was delivered, or, with REFUND, for the money."""
        asked = returning.give_back(
            self._world, order_id, line_items, return_type=return_type, reason=reason
        )
        return {"return_id": asked.id, "return_status": asked.status}

    async def answer_return(
        self, return_id: str, approve: bool = True, keeps_item: bool = False
    ) -> Json:
        """What the seller decides in the Seller Center, of the wish or of the parcel."""
        asked = returning.answer(self._world, return_id, approve=approve, keeps_item=keeps_item)
        return {"return_status": asked.status}

    async def send_back(
        self, return_id: str, tracking_number: str = "9405511899223197428490"
    ) -> Json:
        """The buyer posts what the seller takes back."""
        return {
            "return_status": returning.send_back(self._world, return_id, tracking_number).status
        }

    async def withdraw_return(self, return_id: str) -> Json:
        """The buyer keeps it after all."""
        return {"return_status": returning.withdraw(self._world, return_id).status}

    async def live(
        self,
        room_id: str,
        shop_id: str | None = None,
        title: str | None = None,
        ended: bool = False,
    ) -> Json:
        """Begin a LIVE, or end one."""
        now = self._world.clock.seconds()
        live = self._world.market(shop_id).lives.began(RoomId(room_id), now, title)
        if title is not None:
            live.title = title
        if ended:
            live.end_time = now
        return {"room_id": room_id, "start_time": live.start_time, "end_time": live.end_time}

    async def before_inventory_update(
        self,
        sku_id: str,
        quantity: int = 1,
        nth: int = 1,
        room_id: str | None = None,
        of_any: bool = False,
    ) -> Json:
        """Buy right before the `nth` next inventory update of the SKU (of any, where `of_any`)."""
        self._world.faults.purchases.append(Purchase(sku_id, quantity, nth, room_id, of_any))
        return {}

    async def after_inventory_update(
        self,
        sku_id: str,
        quantity: int = 1,
        nth: int = 1,
        room_id: str | None = None,
        of_any: bool = False,
    ) -> Json:
        """Buy right after the `nth` next inventory update of the SKU, before it is answered."""
        purchase = Purchase(sku_id, quantity, nth, room_id, of_any, after=True)
        self._world.faults.purchases.append(purchase)
        return {}

    def before(self, endpoint: str, hook: Hook) -> None:
        """Await `hook` in each call of `endpoint` that was let in, before anything is done."""
        self._check_endpoint(endpoint)
        self._world.hooks.before[endpoint].append(hook)

    def after(self, endpoint: str, hook: Hook) -> None:
        """Await `hook` in each call of `endpoint` when all is done, before it is answered."""
        self._check_endpoint(endpoint)
        self._world.hooks.after[endpoint].append(hook)

    # Faults

    async def fail(
        self, kind: FaultKind, endpoint: str | None = None, times: int = 1, skip: int = 0
    ) -> Json:
        """Let the next `times` calls of an endpoint (None: of any) fail, after `skip` others."""
        self._check_endpoint(endpoint)
        if times < 1 or skip < 0:
            raise ControlError("times is 1 or more, skip 0 or more")
        self._world.faults.calls.append(Fault(kind, endpoint, times, skip))
        return {}

    async def storm(self, requests: int, endpoint: str | None = None) -> Json:
        """Answer the next calls with 429."""
        return await self.fail("rate_limit", endpoint, requests)

    async def schema(
        self,
        endpoint: str | None = None,
        rename: dict[str, str] | None = None,
        replace: Json | None = None,
    ) -> Json:
        """Rename fields in the answers of an endpoint (None: of all), and replace their values."""
        self._check_endpoint(endpoint)
        change = SchemaChange(endpoint, rename or {}, replace or {})
        self._world.faults.schema.append(change)
        return {}

    async def tamper(
        self,
        lose: int = 0,
        double: int = 0,
        reorder: int = 0,
        delay: int = 0,
        delay_s: float = 60.0,
    ) -> Json:
        """Lose the next webhooks, send them twice, hold them back behind the one after, or send
        them `delay_s` later; without arguments nothing more befalls them, and what is held back
        goes."""
        if min(lose, double, reorder, delay) < 0 or not 0 <= delay_s < math.inf:
            raise ControlError("numbers of webhooks and seconds are 0 or more")
        fate = self._world.courier.tampering
        fate.lose, fate.double, fate.reorder = lose, double, reorder
        fate.delay, fate.delay_s = delay, delay_s
        if not (lose or double or reorder):
            self._world.courier.release()
        return {}

    async def clear_faults(self) -> Json:
        """End every fault, schema change, hook and purchase that waits; let webhooks pass."""
        faults = self._world.faults
        faults.calls.clear()
        faults.schema.clear()
        faults.purchases.clear()
        self._world.hooks.clear()
        return await self.tamper()

    def _check_endpoint(self, name: str | None) -> None:
        known = {endpoint.name for endpoint in wire.ENDPOINTS} | {"token_get", "token_refresh"}
        if name is not None and name not in known:
            raise ControlError(
                f"there is no endpoint {name!r}: they are {', '.join(sorted(known))}"
            )

    def _find(self, product_id: str) -> tuple[Market, Product]:
        for market in self._world.markets.values():
            if (product := market.catalogue.by_id.get(ProductId(product_id))) is not None:
                return market, product
        raise ControlError(f"there is no product {product_id!r}")

    def _shop(self, market: Market) -> Json:
        now = self._world.clock.now()
        shop = market.shop
        return {
            "id": shop.id,
            "name": shop.name,
            "region": shop.region,
            "cipher": shop.cipher,
            "products": len(market.catalogue),
            "listed": market.catalogue.listed,
            "orders": len(market.orders),
            "orders_left": market.orders_left(now),
            "product_limit": shop.product_limit,
            "kyc_pending": shop.kyc_pending,
            "granted": sorted(shop.granted),
            "holiday": shop.holiday,
            "failing": market.failing(),
            "warehouses": [
                {"id": place.id, "effect_status": market.effect_status(place, now)}
                for place in shop.warehouses
            ],
            "webhooks": {name: each.address for name, each in shop.webhooks.items()},
        }

    def _product(self, product: Product) -> Json:
        return {
            "id": product.id,
            "title": product.content.title,
            "under_review": product.review.title if product.review is not None else None,
            "external_product_id": product.content.external_product_id,
            "category_id": product.content.category_id,
            "images": product.content.images,
            "status": product.status,
            "audit": product.audit,
            "pre_approved": product.pre_approved,
            "failed": product.failed,
            "update_time": product.update_time,
            "skus": [
                {
                    "id": sku.id,
                    "seller_sku": sku.seller_sku,
                    "price": product.prices[sku.id].amount,
                    "available": product.available(sku.id),
                    "committed": product.committed(sku.id),
                }
                for sku in product.content.skus
            ],
        }

    def _order(self, order: Order) -> Json:
        return {
            "id": order.id,
            "status": order.status,
            "create_time": order.create_time,
            "update_time": order.update_time,
            "total_amount": amount(sum(item.sale_cents for item in order.line_items)),
            "line_items": [
                {
                    "id": item.id,
                    "sku_id": item.sku_id,
                    "status": item.status,
                    "sent": item.sent,
                    "room_id": item.room_id,
                }
                for item in order.line_items
            ],
        }
