"""TikTok Shop as this program uses it: one method for each operation.

Every method raises TikTokError (sync.tiktok.errors), after tries of its own where those help. What
TikTok refuses of a batch comes back as data: ItemErrors, for the items that failed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from sync.secret import Secret
from sync.tiktok import wire
from sync.tiktok.errors import CodeRefused, Refused, TokenRefused, Unreadable
from sync.tiktok.transport import TokenSource, Transport, Upload
from sync.tiktok.wire import ShopCipher

T = TypeVar("T")

ANY_PRODUCT = wire.ProductQuery()
ANY_ORDER = wire.OrderQuery()
ANY_CANCELLATION = wire.CancellationQuery()
ANY_RETURN = wire.ReturnQuery()


class Authorizer:
    """Turns what the consent page gives into tokens, and old tokens into new ones.

    Whatever pair comes back is to be stored before it is used: the one before may be dead.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def exchange(self, code: Secret) -> wire.TokenPair:
        """The first pair, for a code that works once. Raises CodeRefused."""
        try:
            answer = await self._transport.authorize(
                wire.EXCHANGE, {"grant_type": "authorized_code"}, {"auth_code": code}
            )
        except Refused as error:
            raise CodeRefused(error.message, code=error.code, request_id=error.request_id) from None
        return answer.pair()

    async def refresh(self, refresh_token: Secret) -> wire.TokenPair:
        """The next pair. Raises TokenRefused when the seller has to connect again."""
        try:
            answer = await self._transport.authorize(
                wire.REFRESH, {"grant_type": "refresh_token"}, {"refresh_token": refresh_token}
            )
        except (Refused, CodeRefused) as error:
            raise TokenRefused(
                error.message, code=error.code, request_id=error.request_id
            ) from None
        return answer.pair()


class TikTok:
    """TikTok Shop on behalf of one connected seller, whose tokens come from `tokens`."""

    def __init__(self, transport: Transport, tokens: TokenSource) -> None:
        self._ask = transport.ask
        self._tokens = tokens

    # The seller -------------------------------------------------------------------------------

    async def shops(self) -> tuple[wire.Shop, ...]:
        """The shops that this app was let into."""
        return (await self._ask(wire.SHOPS, wire.Shops, self._tokens)).shops

    async def permissions(self) -> tuple[str, ...]:
        answer = await self._ask(wire.PERMISSIONS, wire.Permissions, self._tokens)
        return answer.permissions

    async def active_shops(self) -> tuple[wire.ActiveShop, ...]:
        return (await self._ask(wire.ACTIVE_SHOPS, wire.ActiveShops, self._tokens)).shops

    # A shop -----------------------------------------------------------------------------------

    async def warehouses(self, shop: ShopCipher) -> tuple[wire.Warehouse, ...] | None:
        """None where the answer says nothing of them."""
        answer = await self._ask(wire.WAREHOUSES, wire.Warehouses, self._tokens, cipher=shop)
        return answer.warehouses

    async def prerequisites(self, shop: ShopCipher) -> tuple[wire.CheckResult, ...]:
        """What TikTok wants of a shop before it may list."""
        answer = await self._ask(wire.PREREQUISITES, wire.Prerequisites, self._tokens, cipher=shop)
        return answer.check_results

    async def categories(
        self, shop: ShopCipher, *, version: str = wire.CATEGORY_VERSION
    ) -> tuple[wire.Category, ...]:
        """The whole tree, parents and leaves in one list."""
        answer = await self._ask(
            wire.CATEGORIES,
            wire.Categories,
            self._tokens,
            cipher=shop,
            query=wire.category_query(version),
        )
        return answer.categories

    async def category_rules(
        self, shop: ShopCipher, category_id: str, *, version: str = wire.CATEGORY_VERSION
    ) -> wire.CategoryRules:
        return await self._ask(
            wire.CATEGORY_RULES,
            wire.CategoryRules,
            self._tokens,
            cipher=shop,
            id=category_id,
            query=wire.category_query(version),
        )

    async def attributes(
        self, shop: ShopCipher, category_id: str, *, version: str = wire.CATEGORY_VERSION
    ) -> tuple[wire.Attribute, ...]:
        answer = await self._ask(
            wire.ATTRIBUTES,
            wire.Attributes,
            self._tokens,
            cipher=shop,
            id=category_id,
            query=wire.category_query(version),
        )
        return answer.attributes

    # Products ---------------------------------------------------------------------------------

    async def listing_check(self, shop: ShopCipher, draft: wire.Draft) -> wire.ListingCheck:
        """Whether TikTok would take `draft`; nothing is created."""
        return await self._ask(
            wire.LISTING_CHECK,
            wire.ListingCheck,
            self._tokens,
            cipher=shop,
            body=wire.product_body(draft),
        )

    async def upload_image(
        self, data: bytes, use_case: str = wire.UseCase.MAIN_IMAGE
    ) -> wire.Image:
        """Give TikTok an image; a product names it by its `uri`."""
        upload = Upload(data, {"use_case": use_case})
        return await self._ask(wire.UPLOAD_IMAGE, wire.Image, self._tokens, body=upload)

    async def create_product(
        self,
        shop: ShopCipher,
        draft: wire.Draft,
        idempotency_key: str,
        *,
        save_mode: str = wire.SaveMode.LISTING,
    ) -> wire.Saved:
        """Once for each `idempotency_key`, however often it is sent."""
        return await self._ask(
            wire.CREATE_PRODUCT,
            wire.Saved,
            self._tokens,
            cipher=shop,
            body=wire.create_body(draft, idempotency_key, save_mode),
        )

    async def edit_product(
        self, shop: ShopCipher, product_id: str, draft: wire.Draft
    ) -> wire.Saved:
        """All of the product anew. It is audited again; what is live stays until that is passed."""
        return await self._ask(
            wire.EDIT_PRODUCT,
            wire.Saved,
            self._tokens,
            cipher=shop,
            id=product_id,
            body=wire.product_body(draft),
        )

    async def partial_edit(
        self, shop: ShopCipher, product_id: str, changes: wire.Changes
    ) -> wire.Saved:
        """Only what `changes` has. It is audited again, except for prices and stock."""
        return await self._ask(
            wire.PARTIAL_EDIT,
            wire.Saved,
            self._tokens,
            cipher=shop,
            id=product_id,
            body=wire.product_body(changes),
        )

    async def search_products(
        self,
        shop: ShopCipher,
        query: wire.ProductQuery = ANY_PRODUCT,
        *,
        token: str | None = None,
        page_size: int = wire.PAGE_SIZE,
    ) -> wire.Page[wire.Product]:
        """A page of what is found, at most 10,000 products in all."""
        answer = await self._ask(
            wire.SEARCH_PRODUCTS,
            wire.Products,
            self._tokens,
            cipher=shop,
            query=wire.page_query(page_size, token),
            body=wire.query_body(query),
        )
        return _page(wire.SEARCH_PRODUCTS, answer.products, answer)

    async def product_pages(
        self, shop: ShopCipher, query: wire.ProductQuery = ANY_PRODUCT
    ) -> AsyncIterator[wire.Page[wire.Product]]:
        """Every page of what is found."""
        async for page in _pages(
            wire.SEARCH_PRODUCTS, lambda token: self.search_products(shop, query, token=token)
        ):
            yield page

    async def product(self, shop: ShopCipher, product_id: str) -> wire.Product:
        return await self._ask(
            wire.GET_PRODUCT, wire.Product, self._tokens, cipher=shop, id=product_id
        )

    async def activate(
        self, shop: ShopCipher, product_ids: Sequence[str]
    ) -> tuple[wire.ItemError, ...]:
        """Put up to 20 products on sale: each is audited anew, also one that was on sale."""
        return await self._batch(wire.ACTIVATE, shop, wire.ids_body(product_ids))

    async def deactivate(
        self, shop: ShopCipher, product_ids: Sequence[str]
    ) -> tuple[wire.ItemError, ...]:
        """Take up to 20 products off sale."""
        return await self._batch(wire.DEACTIVATE, shop, wire.ids_body(product_ids))

    async def delete(
        self, shop: ShopCipher, product_ids: Sequence[str]
    ) -> tuple[wire.ItemError, ...]:
        """Delete up to 20 products."""
        return await self._batch(wire.DELETE_PRODUCTS, shop, wire.ids_body(product_ids))

    # Stock and prices -------------------------------------------------------------------------

    async def set_stock(
        self, shop: ShopCipher, product_id: str, levels: Mapping[str, Sequence[wire.Level]]
    ) -> tuple[wire.ItemError, ...]:
        """Set the stock of SKUs of a product, each with all its warehouses, by SKU id."""
        return await self._batch(wire.SET_STOCK, shop, wire.stock_body(levels), product_id)

    async def read_stock(
        self, shop: ShopCipher, *, product_ids: Sequence[str] = (), sku_ids: Sequence[str] = ()
    ) -> tuple[wire.ProductInventory, ...]:
        """The stock of up to 100 products, or 600 SKUs."""
        answer = await self._ask(
            wire.READ_STOCK,
            wire.Inventory,
            self._tokens,
            cipher=shop,
            body=wire.stock_query(product_ids, sku_ids),
        )
        return answer.inventory

    async def auto_restock(self, shop: ShopCipher, enabled: bool) -> None:
        """Whether TikTok adds what was cancelled to the stock again by itself."""
        await self._batch(wire.AUTO_RESTOCK, shop, wire.auto_restock_body(enabled))

    async def set_prices(
        self, shop: ShopCipher, product_id: str, prices: Sequence[wire.SkuPriceChange]
    ) -> tuple[wire.ItemError, ...]:
        """Set prices of a product that is on sale; refused during promotions."""
        return await self._batch(wire.SET_PRICES, shop, wire.prices_body(prices), product_id)

    # Orders -----------------------------------------------------------------------------------

    async def search_orders(
        self,
        shop: ShopCipher,
        query: wire.OrderQuery = ANY_ORDER,
        *,
        token: str | None = None,
        page_size: int = wire.PAGE_SIZE,
    ) -> wire.Page[wire.Order]:
        """A page of what is found, the oldest update first."""
        answer = await self._ask(
            wire.SEARCH_ORDERS,
            wire.Orders,
            self._tokens,
            cipher=shop,
            query=wire.page_query(page_size, token) | wire.OLDEST_UPDATE_FIRST,
            body=wire.query_body(query),
        )
        return _page(wire.SEARCH_ORDERS, answer.orders, answer)

    async def order_pages(
        self, shop: ShopCipher, query: wire.OrderQuery = ANY_ORDER
    ) -> AsyncIterator[wire.Page[wire.Order]]:
        """Every page of what is found."""
        async for page in _pages(
            wire.SEARCH_ORDERS, lambda token: self.search_orders(shop, query, token=token)
        ):
            yield page

    async def orders(self, shop: ShopCipher, order_ids: Sequence[str]) -> tuple[wire.Order, ...]:
        """Up to 50 orders."""
        answer = await self._ask(
            wire.GET_ORDERS,
            wire.Orders,
            self._tokens,
            cipher=shop,
            query=wire.orders_query(order_ids),
        )
        return _page(wire.GET_ORDERS, answer.orders, answer).items

    # Shipping ---------------------------------------------------------------------------------

    async def delivery_options(
        self, shop: ShopCipher, warehouse_id: str
    ) -> tuple[wire.DeliveryOption, ...]:
        """How a warehouse sends; an order names the one that it goes by."""
        answer = await self._ask(
            wire.DELIVERY_OPTIONS, wire.DeliveryOptions, self._tokens, cipher=shop, id=warehouse_id
        )
        return answer.delivery_options

    async def shipping_providers(
        self, shop: ShopCipher, delivery_option_id: str
    ) -> tuple[wire.ShippingProvider, ...]:
        """The carriers of a delivery option. Raises Refused where TikTok ships by itself."""
        answer = await self._ask(
            wire.SHIPPING_PROVIDERS,
            wire.ShippingProviders,
            self._tokens,
            cipher=shop,
            id=delivery_option_id,
        )
        return answer.shipping_providers

    async def mark_shipped(
        self,
        shop: ShopCipher,
        order_id: str,
        *,
        tracking_number: str,
        provider_id: str,
        line_item_ids: Sequence[str] = (),
    ) -> wire.Shipped:
        """Say that line items (none named: all) left in a package. Sent once: after
        TikTokUnavailable the order says whether it was done. Raises Refused, with
        wire.ORDER_ON_HOLD, wire.ALREADY_SHIPPED, or for a number that the carrier does not have."""
        return await self._ask(
            wire.MARK_SHIPPED,
            wire.Shipped,
            self._tokens,
            cipher=shop,
            id=order_id,
            body=wire.shipped_body(tracking_number, provider_id, line_item_ids),
        )

    # Cancellations and returns ----------------------------------------------------------------

    async def cancel_order(
        self, shop: ShopCipher, order_id: str, reason: str, line_item_ids: Sequence[str] = ()
    ) -> wire.Cancelled:
        """Cancel an order for the seller, with a reason of wire.cancel_reason. Single line items
        only where they are out of stock. Sent once: after TikTokUnavailable the order says whether
        it was done. Raises Refused, with wire.ALREADY_CANCELLED or wire.REASON_UNFIT."""
        return await self._ask(
            wire.CANCEL_ORDER,
            wire.Cancelled,
            self._tokens,
            cipher=shop,
            body=wire.cancel_body(order_id, reason, line_item_ids),
        )

    async def search_cancellations(
        self,
        shop: ShopCipher,
        query: wire.CancellationQuery = ANY_CANCELLATION,
        *,
        token: str | None = None,
    ) -> wire.Page[wire.Cancellation]:
        """A page of what is found, the oldest update first."""
        answer = await self._ask(
            wire.SEARCH_CANCELLATIONS,
            wire.Cancellations,
            self._tokens,
            cipher=shop,
            query=wire.page_query(wire.AFTERSALES_PAGE_SIZE, token) | wire.OLDEST_UPDATE_FIRST,
            body=wire.query_body(query),
        )
        return _page(wire.SEARCH_CANCELLATIONS, answer.cancellations, answer)

    async def cancellation_pages(
        self, shop: ShopCipher, query: wire.CancellationQuery = ANY_CANCELLATION
    ) -> AsyncIterator[wire.Page[wire.Cancellation]]:
        """Every page of what is found."""
        async for page in _pages(
            wire.SEARCH_CANCELLATIONS,
            lambda token: self.search_cancellations(shop, query, token=token),
        ):
            yield page

    async def approve_cancellation(
        self, shop: ShopCipher, cancel_id: str, idempotency_key: str
    ) -> None:
        """Grant a buyer's wish to cancel. Shipping the order turns it down."""
        await self._ask(
            wire.APPROVE_CANCELLATION,
            wire.Done,
            self._tokens,
            cipher=shop,
            id=cancel_id,
            query=wire.idempotency_query(idempotency_key),
        )

    async def search_returns(
        self,
        shop: ShopCipher,
        query: wire.ReturnQuery = ANY_RETURN,
        *,
        token: str | None = None,
    ) -> wire.Page[wire.Return]:
        """A page of what is found, the oldest update first."""
        answer = await self._ask(
            wire.SEARCH_RETURNS,
            wire.Returns,
            self._tokens,
            cipher=shop,
            query=wire.page_query(wire.AFTERSALES_PAGE_SIZE, token) | wire.OLDEST_UPDATE_FIRST,
            body=wire.query_body(query),
        )
        return _page(wire.SEARCH_RETURNS, answer.return_orders, answer)

    async def return_pages(
        self, shop: ShopCipher, query: wire.ReturnQuery = ANY_RETURN
    ) -> AsyncIterator[wire.Page[wire.Return]]:
        """Every page of what is found."""
        async for page in _pages(
            wire.SEARCH_RETURNS, lambda token: self.search_returns(shop, query, token=token)
        ):
            yield page

    async def reject_reasons(
        self, shop: ShopCipher, return_id: str
    ) -> tuple[wire.RejectReason, ...]:
        """What a return may be turned down for."""
        answer = await self._ask(
            wire.REJECT_REASONS,
            wire.RejectReasons,
            self._tokens,
            cipher=shop,
            query=wire.reject_reasons_query(return_id),
        )
        return answer.reasons

    async def approve_return(
        self,
        shop: ShopCipher,
        return_id: str,
        decision: str,
        idempotency_key: str,
        *,
        keeps_item: bool = False,
    ) -> None:
        """Go on with a return: `decision` is wire.APPROVALS of what TikTok waits for. With
        `keeps_item` the buyer sends nothing back."""
        await self._ask(
            wire.APPROVE_RETURN,
            wire.Done,
            self._tokens,
            cipher=shop,
            id=return_id,
            query=wire.idempotency_query(idempotency_key),
            body=wire.approve_return_body(decision, keeps_item),
        )

    async def reject_return(
        self,
        shop: ShopCipher,
        return_id: str,
        decision: str,
        reason: str,
        idempotency_key: str,
        *,
        comment: str | None = None,
    ) -> None:
        """Turn a return down: `decision` is wire.REJECTIONS of what TikTok waits for, `reason`
        one of reject_reasons."""
        await self._ask(
            wire.REJECT_RETURN,
            wire.Done,
            self._tokens,
            cipher=shop,
            id=return_id,
            query=wire.idempotency_query(idempotency_key),
            body=wire.reject_return_body(decision, reason, comment),
        )

    # LIVEs ------------------------------------------------------------------------------------

    async def lives(
        self, shop: ShopCipher, first_day: str, day_after_last: str, *, token: str | None = None
    ) -> wire.Page[wire.Live]:
        """A page of what the shop's LIVEs sold, of days such as 2026-11-23 in the shop's zone."""
        answer = await self._ask(
            wire.LIVE_PERFORMANCE,
            wire.Lives,
            self._tokens,
            cipher=shop,
            query=wire.page_query(wire.PAGE_SIZE, token)
            | wire.days_query(first_day, day_after_last),
        )
        return _page(wire.LIVE_PERFORMANCE, answer.live_stream_sessions, answer)

    # Webhooks ---------------------------------------------------------------------------------

    async def webhooks(self, shop: ShopCipher) -> tuple[wire.Webhook, ...]:
        return (await self._ask(wire.WEBHOOKS, wire.Webhooks, self._tokens, cipher=shop)).webhooks

    async def set_webhook(self, shop: ShopCipher, topic: str, address: str) -> None:
        """Have events of `topic` (wire.Topic) sent to `address`, and nowhere else."""
        await self._batch(wire.SET_WEBHOOK, shop, wire.webhook_body(topic, address))

    async def delete_webhook(self, shop: ShopCipher, topic: str) -> None:
        await self._batch(wire.DELETE_WEBHOOK, shop, wire.webhook_body(topic))

    async def _batch(
        self, call: wire.Call, shop: ShopCipher, body: wire.Body, id: str | None = None
    ) -> tuple[wire.ItemError, ...]:
        answer = await self._ask(
            call, wire.BatchResult, self._tokens, cipher=shop, id=id, body=body
        )
        return answer.errors


async def _pages(
    call: wire.Call, page_at: Callable[[str | None], Awaitable[wire.Page[T]]]
) -> AsyncIterator[wire.Page[T]]:
    """Page after page. Raises Unreadable where TikTok goes in a circle."""
    token = None
    while True:
        page = await page_at(token)
        yield page
        if page.token is None:
            return
        if page.token == token:
            raise Unreadable(f"the pages of {call.name} lead nowhere: each says the next is itself")
        token = page.token


def _page(
    call: wire.Call,
    items: tuple[T, ...] | None,
    answer: wire.Products | wire.Orders | wire.Lives | wire.Cancellations | wire.Returns,
) -> wire.Page[T]:
    """Raises Unreadable where something was found, but the list of it is not there."""
    if items is None and (answer.total_count or answer.next_page_token):
        raise Unreadable(f"TikTok's answer to {call.name} tells how many, but not which")
    return wire.Page(items or (), answer.next_page_token or None, answer.total_count)
