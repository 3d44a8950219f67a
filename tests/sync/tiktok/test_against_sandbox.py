"""The client and the sandbox, two readings of the same facts, over real HTTP."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import parse_qs, urlsplit

import aiohttp
import msgspec
import pytest
from aiohttp import web
from PIL import Image

from sync.sandbox.server import Sandbox
from sync.sandbox.world import SandboxSettings
from sync.secret import Secret
from sync.tiktok import webhooks, wire
from sync.tiktok.client import Authorizer, TikTok
from sync.tiktok.errors import (
    CodeRefused,
    Refused,
    TikTokError,
    TokenRefused,
    Unreadable,
)
from sync.tiktok.transport import App, Transport
from sync.tiktok.wire import ProductStatus, ShopCipher
from tests.sync.tiktok.scripted import Time

START = 1_790_000_000.0
AUDIT_S = 60.0
SELLER = "cedar"
LEAF = "600338"
NONE_YET = ShopCipher("")


class Renewing:
    """Tokens as the product keeps them: renewed once, however many ask."""

    def __init__(self, authorizer: Authorizer, pair: wire.TokenPair) -> None:
        self._authorizer = authorizer
        self._lock = asyncio.Lock()
        self.pair = pair

    async def access_token(self) -> Secret:
        return self.pair.access_token

    async def renewed(self, stale: Secret) -> Secret:
        async with self._lock:
            if self.pair.access_token == stale:
                self.pair = await self._authorizer.refresh(self.pair.refresh_token)
            return self.pair.access_token


@dataclass
class Connected:
    """A shop of the sandbox that the client is connected to."""

    sandbox: Sandbox
    time: Time
    authorizer: Authorizer
    tokens: Renewing
    tiktok: TikTok
    shop: ShopCipher = NONE_YET
    warehouse: str = ""
    image: str = ""

    def draft(self, sku: str = "MUG", quantity: int = 5) -> wire.Draft:
        return wire.Draft(
            title="A candle that smells of cedar",
            description="<p>Burns for 40 hours.</p>",
            category_id=LEAF,
            image_uris=(self.image,),
            skus=(
                wire.SkuDraft(
                    seller_sku=sku,
                    price_minor=1250,
                    currency="USD",
                    stock=(wire.Level(self.warehouse, quantity),),
                ),
            ),
            external_product_id=f"ours-{sku}",
            package_weight=wire.Weight("0.5", "KILOGRAM"),
            package_dimensions=wire.Size("10", "10", "10", "CENTIMETER"),
        )

    async def listed(self, sku: str = "MUG", quantity: int = 5) -> wire.Saved:
        """A product that has passed its audit."""
        saved = await self.tiktok.create_product(self.shop, self.draft(sku, quantity), f"key-{sku}")
        await self.sandbox.control.clock(AUDIT_S + 1)
        return saved

    async def done(self, endpoint: str) -> int:
        """How often the sandbox did what an endpoint is for."""
        return (await self.sandbox.control.requests()).get(endpoint, {}).get("0", 0)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    settings = SandboxSettings(
        start=START,
        manual_clock=True,
        audit_s=AUDIT_S,
        redirect_url="http://127.0.0.1:1/oauth/tiktok/callback",
    )
    async with Sandbox(settings) as sandbox:
        yield sandbox


@asynccontextmanager
async def connecting(sandbox: Sandbox, timeout_s: float | None = None) -> AsyncIterator[Connected]:
    time = Time()
    async with aiohttp.ClientSession() as session:
        app = App(
            sandbox.app_key,
            Secret(sandbox.app_secret),
            api_url=sandbox.url,
            auth_url=sandbox.url,
        )
        transport = Transport(
            session,
            app,
            now=sandbox.world.clock.now,
            clock=time.now,
            sleep=time.sleep,
            jitter=lambda: 0.0,
            timeout_s=timeout_s,
        )
        authorizer = Authorizer(transport)
        tokens = Renewing(authorizer, await authorizer.exchange(await consent(sandbox)))
        yield Connected(sandbox, time, authorizer, tokens, TikTok(transport, tokens))


@pytest.fixture
async def connected(sandbox: Sandbox) -> AsyncIterator[Connected]:
    async with connecting(sandbox) as connected:
        await settle(connected)
        yield connected


async def settle(connected: Connected) -> None:
    """Look up what products need: shop, warehouse and image."""
    (shop,) = await connected.tiktok.shops()
    connected.shop = shop.cipher
    warehouses = await connected.tiktok.warehouses(shop.cipher)
    sales = [each for each in warehouses or () if each.type == "SALES_WAREHOUSE"]
    connected.warehouse = sales[0].id
    connected.image = (await connected.tiktok.upload_image(picture())).uri


async def consent(sandbox: Sandbox) -> Secret:
    redirect = (await sandbox.control.consent(SELLER, state="a-state"))["redirect"]
    (code,) = parse_qs(urlsplit(redirect).query)["code"]
    return Secret(code)


def picture() -> bytes:
    file = BytesIO()
    Image.new("RGB", (600, 600), "teal").save(file, "PNG")
    return file.getvalue()


@dataclass
class Inbox:
    """Takes webhooks as they come."""

    app_key: str
    app_secret: Secret
    url: str = ""
    signed: list[bool] = field(default_factory=list)
    events: list[webhooks.Event] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        header = request.headers.get(webhooks.SIGNATURE_HEADER)
        self.signed.append(webhooks.is_signed(self.app_key, self.app_secret, body, header))
        self.events.append(webhooks.parse(body))
        return web.Response()


@pytest.fixture
async def inbox(sandbox: Sandbox) -> AsyncIterator[Inbox]:
    inbox = Inbox(sandbox.app_key, Secret(sandbox.app_secret))
    app = web.Application()
    app.router.add_post("/webhooks/tiktok", inbox.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    inbox.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks/tiktok"
    yield inbox
    await runner.cleanup()


async def test_a_consent_becomes_tokens_and_a_shop(connected: Connected) -> None:
    pair = connected.tokens.pair
    (shop,) = await connected.tiktok.shops()

    assert pair.access_token_expires_at == START + wire.ACCESS_TOKEN_LIVES_S
    assert pair.refresh_token_expires_at > pair.access_token_expires_at
    assert pair.user_type == 0
    assert pair.granted_scopes
    assert shop.region == "US"
    assert await connected.tiktok.active_shops()
    await connected.tiktok.permissions()


async def test_a_code_works_once_and_for_half_an_hour(connected: Connected) -> None:
    used, late = await consent(connected.sandbox), await consent(connected.sandbox)
    await connected.authorizer.exchange(used)
    await connected.sandbox.control.clock(wire.CODE_LIVES_S + 1)

    for code in (used, late, Secret("made-up")):
        with pytest.raises(CodeRefused):
            await connected.authorizer.exchange(code)


async def test_a_refresh_token_that_is_not_known_is_refused(connected: Connected) -> None:
    with pytest.raises(TokenRefused):
        await connected.authorizer.refresh(Secret("made-up-refresh-token"))


async def test_a_seller_who_takes_the_permission_back_is_noticed(connected: Connected) -> None:
    await connected.sandbox.control.deauthorize(SELLER)

    with pytest.raises(TikTokError) as raised:
        await connected.tiktok.warehouses(connected.shop)

    assert isinstance(raised.value, TokenRefused)


async def test_what_the_shop_lacks_is_read(connected: Connected) -> None:
    await connected.sandbox.control.shop(failing={"RETURN_WAREHOUSE": ["none is set"]})

    checks = await connected.tiktok.prerequisites(connected.shop)

    failing = [check for check in checks if check.is_failed]
    assert [(check.check_item, check.fail_reasons) for check in failing] == [
        (wire.CheckItem.RETURN_WAREHOUSE, ("none is set",))
    ]
    assert wire.CheckItem.BANK_ACCOUNT in {check.check_item for check in checks}


async def test_categories_their_rules_and_attributes_are_read(connected: Connected) -> None:
    categories = await connected.tiktok.categories(connected.shop)
    leaf = next(each for each in categories if each.id == LEAF)
    await connected.tiktok.category_rules(connected.shop, LEAF)
    gated = [each for each in categories if each.permission_statuses == ("INVITE_ONLY",)]

    assert leaf.is_leaf
    assert leaf.permission_statuses == (wire.CategoryPermission.AVAILABLE,)
    assert gated
    rules = [
        await connected.tiktok.category_rules(connected.shop, each.id)
        for each in categories
        if each.is_leaf
    ]
    assert any(rule.is_required for each in rules for rule in each.product_certifications)
    attributes = [
        attribute
        for each in categories
        if each.is_leaf
        for attribute in await connected.tiktok.attributes(connected.shop, each.id)
    ]
    assert {attribute.is_required for attribute in attributes} == {True, False}


async def test_a_product_is_created_audited_found_edited_and_deleted(connected: Connected) -> None:
    tiktok, shop = connected.tiktok, connected.shop
    check = await tiktok.listing_check(shop, connected.draft())
    saved = await tiktok.create_product(shop, connected.draft(), "key-1")
    pending = await tiktok.product(shop, saved.product_id)
    await connected.sandbox.control.clock(AUDIT_S + 1)
    (found,) = (await tiktok.search_products(shop)).items
    (sku,) = found.skus

    assert check.check_result == "PASS"
    assert pending.status == ProductStatus.PENDING
    assert found.status == ProductStatus.ACTIVATE
    assert found.audit is not None
    assert found.audit.status == wire.AuditStatus.APPROVED
    assert (sku.id, sku.seller_sku) == (saved.skus[0].id, "MUG")
    assert sku.price is not None
    assert wire.minor_units(sku.price.tax_exclusive_price, sku.price.currency) == 1250

    await tiktok.partial_edit(shop, found.id, wire.Changes(title="A candle that smells of pine"))
    await connected.sandbox.control.clock(AUDIT_S + 1)
    (edited_sku,) = connected.draft().skus
    whole = msgspec.structs.replace(
        connected.draft(), skus=(msgspec.structs.replace(edited_sku, id=sku.id),)
    )
    partial = await tiktok.product(shop, found.id)
    await tiktok.edit_product(shop, found.id, whole)
    await connected.sandbox.control.clock(AUDIT_S + 1)
    edited = await tiktok.product(shop, found.id)

    assert partial.title == "A candle that smells of pine"
    assert edited.title == whole.title
    assert edited.external_product_id == "ours-MUG"

    assert await tiktok.set_prices(shop, found.id, [wire.SkuPriceChange(sku.id, 999, "USD")]) == ()
    assert await tiktok.deactivate(shop, [found.id]) == ()
    assert await tiktok.activate(shop, [found.id]) == ()
    assert await tiktok.deactivate(shop, [found.id]) == ()
    assert await tiktok.delete(shop, [found.id]) == ()
    assert (await connected.sandbox.control.products())[0]["status"] == ProductStatus.DELETED


async def test_what_tiktok_finds_wrong_is_told_before_and_when_it_is_created(
    connected: Connected,
) -> None:
    bad = msgspec.structs.replace(connected.draft(), title="")

    check = await connected.tiktok.listing_check(connected.shop, bad)
    with pytest.raises(Refused):
        await connected.tiktok.create_product(connected.shop, bad, "key")

    assert check.check_result == "FAILED"
    assert check.fail_reasons
    assert check.fail_reasons[0].message


async def test_all_products_come_page_by_page(connected: Connected) -> None:
    for n in range(7):
        await connected.tiktok.create_product(
            connected.shop, connected.draft(f"SKU-{n}"), f"key-{n}"
        )

    tokens: list[str | None] = [None]
    found: list[str | None] = []
    while not found or tokens[-1] is not None:
        page = await connected.tiktok.search_products(connected.shop, token=tokens[-1], page_size=3)
        found += [product.skus[0].seller_sku for product in page.items]
        tokens.append(page.token)
    (whole,) = [page async for page in connected.tiktok.product_pages(connected.shop)]

    assert sorted(each or "" for each in found) == [f"SKU-{n}" for n in range(7)]
    assert len(whole.items) == whole.total == 7


async def test_the_skus_that_failed_come_back_and_the_others_are_set(
    connected: Connected,
) -> None:
    saved = await connected.listed()
    (sku,) = saved.skus

    errors = await connected.tiktok.set_stock(
        connected.shop,
        saved.product_id,
        {
            sku.id: [wire.Level(connected.warehouse, 3)],
            "1729000000000000009": [wire.Level(connected.warehouse, 3)],
        },
    )
    (stock,) = await connected.tiktok.read_stock(connected.shop, product_ids=[saved.product_id])

    assert [error.sku_id for error in errors] == ["1729000000000000009"]
    assert stock.skus[0].total_available_quantity == 3
    assert stock.skus[0].total_committed_quantity == 0


async def test_products_that_failed_in_a_batch_come_back(connected: Connected) -> None:
    saved = await connected.listed()

    errors = await connected.tiktok.deactivate(
        connected.shop, [saved.product_id, "1729000000000000009"]
    )

    assert [error.product_id for error in errors] == ["1729000000000000009"]
    assert errors[0].reason


async def test_sales_are_stopped_by_stock_0(connected: Connected) -> None:
    saved = await connected.listed()

    errors = await connected.tiktok.set_stock(
        connected.shop,
        saved.product_id,
        {saved.skus[0].id: [wire.Level(connected.warehouse, 0)]},
    )
    product = await connected.tiktok.product(connected.shop, saved.product_id)

    assert errors == ()
    assert product.status == ProductStatus.ACTIVATE
    assert product.skus[0].inventory[0].quantity == 0


@pytest.mark.parametrize("kind", ["rate_limit", "error_500", "error_503", "internal", "timeout"])
async def test_what_passes_is_outlasted(kind: str, connected: Connected) -> None:
    await connected.sandbox.control.fail(kind, "create_product", 3)  # type: ignore[arg-type]

    await connected.tiktok.create_product(connected.shop, connected.draft(), "key-1")

    assert len(await connected.sandbox.control.products()) == 1


async def test_a_storm_of_refusals_is_outlasted_by_many_workers_at_once(
    connected: Connected,
) -> None:
    await connected.sandbox.control.storm(20)

    answers = await asyncio.gather(
        *(connected.tiktok.warehouses(connected.shop) for _ in range(40))
    )

    assert len(answers) == 40
    assert await connected.done("warehouses") >= 40


@pytest.mark.parametrize("kind", ["hang_after", "close_after"])
async def test_a_create_that_was_done_without_an_answer_makes_one_product(
    kind: str, sandbox: Sandbox
) -> None:
    async with connecting(sandbox, timeout_s=0.5) as connected:
        await settle(connected)
        await sandbox.control.fail(kind, "create_product", 2)  # type: ignore[arg-type]

        saved = await connected.tiktok.create_product(connected.shop, connected.draft(), "key-1")

        (product,) = await sandbox.control.products()
        assert product["id"] == saved.product_id


async def test_many_calls_with_an_expired_token_refresh_it_once(connected: Connected) -> None:
    before = connected.tokens.pair
    await connected.sandbox.control.expire_tokens()

    answers = await asyncio.gather(
        *(connected.tiktok.warehouses(connected.shop) for _ in range(30))
    )

    assert len(set(answers)) == 1
    assert await connected.done("token_refresh") == 1
    assert connected.tokens.pair.access_token != before.access_token


async def test_a_status_that_nobody_has_heard_of_is_kept(
    connected: Connected, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sync.tiktok")
    saved = await connected.listed()
    await connected.sandbox.control.product(saved.product_id, status="ON_THE_MOON")

    (product,) = (await connected.tiktok.search_products(connected.shop)).items

    assert product.status == "ON_THE_MOON"
    assert "data.products[].status=ON_THE_MOON" in caplog.text


async def test_a_renamed_field_is_not_known_and_a_renamed_list_is_not_empty(
    connected: Connected,
) -> None:
    await connected.listed()
    control = connected.sandbox.control

    await control.schema("search_products", rename={"status": "state"})
    (product,) = (await connected.tiktok.search_products(connected.shop)).items
    await control.clear_faults()
    await control.schema("search_products", rename={"products": "goods"})
    with pytest.raises(Unreadable):
        await connected.tiktok.search_products(connected.shop)

    assert product.status is None


async def test_orders_are_found_with_the_live_that_sold_them(connected: Connected) -> None:
    saved = await connected.listed()
    control = connected.sandbox.control
    await control.live("7300000000000000001", title="Tonight")
    bought = await control.buy(
        saved.skus[0].id, 2, room_id="7300000000000000001", buyer="ann", paid=True
    )

    (found,) = (
        await connected.tiktok.search_orders(
            connected.shop, wire.OrderQuery(update_time_ge=int(START))
        )
    ).items
    (order,) = await connected.tiktok.orders(connected.shop, [bought["id"]])
    (stock,) = await connected.tiktok.read_stock(connected.shop, sku_ids=[saved.skus[0].id])

    assert found.id == order.id == bought["id"]
    assert order.status == wire.OrderStatus.ON_HOLD
    assert len(order.line_items) == 2
    assert {line.room_id for line in order.line_items} == {"7300000000000000001"}
    assert {line.sku_id for line in order.line_items} == {saved.skus[0].id}
    assert order.payment is not None
    assert wire.minor_units(order.payment.sub_total, order.payment.currency) == 2500
    assert stock.skus[0].total_available_quantity == 3
    assert stock.skus[0].total_committed_quantity == 2


async def sold(connected: Connected, units: int = 2) -> wire.Order:
    """An order that is paid and held no longer."""
    saved = await connected.listed()
    control = connected.sandbox.control
    bought = await control.buy(saved.skus[0].id, units, buyer="ann", paid=True, message="Ring")
    await control.clock(3600)
    return await fetched(connected, bought["id"])


async def fetched(connected: Connected, order_id: str) -> wire.Order:
    (order,) = await connected.tiktok.orders(connected.shop, [order_id])
    return order


async def test_whom_an_order_goes_to_is_told_once_it_is_held_no_longer_and_never_printed(
    connected: Connected,
) -> None:
    saved = await connected.listed()
    bought = await connected.sandbox.control.buy(saved.skus[0].id, buyer="ann", paid=True)
    held = await fetched(connected, bought["id"])
    await connected.sandbox.control.clock(3600)
    order = await fetched(connected, bought["id"])

    assert held.recipient_address is not None
    assert (held.recipient_address.name, held.recipient_address.full_address) == ("", "")
    to = order.recipient_address
    assert to is not None
    assert (to.name, to.postal_code, to.region_code) == ("ann", "00002", "US")
    assert order.user_id == "ann"
    assert order.buyer_email == "ann@scs.tiktokw.us"
    assert "ann" not in f"{order!r} {to!r} {wire.Orders(orders=(order,))!r}"


async def test_units_are_marked_as_shipped_by_a_carrier_of_the_shop(connected: Connected) -> None:
    order = await sold(connected)
    tiktok, shop = connected.tiktok, connected.shop
    (option,) = await tiktok.delivery_options(shop, connected.warehouse)
    assert option.id == order.delivery_option_id
    usps, *_ = await tiktok.shipping_providers(shop, option.id)

    async def ship(*lines: str) -> wire.Shipped:
        return await tiktok.mark_shipped(
            shop, order.id, tracking_number="1Z9", provider_id=usps.id, line_item_ids=lines
        )

    shipped = await ship(order.line_items[0].id)
    half = await fetched(connected, order.id)
    await ship()
    whole = await fetched(connected, order.id)
    with pytest.raises(Refused) as refused:
        await ship()

    assert shipped.warning is not None
    assert shipped.order_line_item_ids == (order.line_items[0].id,)
    assert half.status == wire.OrderStatus.PARTIALLY_SHIPPING
    assert [line.package_id for line in half.line_items] == [shipped.package_id, None]
    assert whole.status == wire.OrderStatus.AWAITING_COLLECTION
    assert {line.shipping_provider_name for line in whole.line_items} == {"USPS"}
    assert len(whole.packages) == 2
    assert refused.value.code in wire.ALREADY_SHIPPED


async def test_what_is_on_hold_is_not_shipped(connected: Connected) -> None:
    saved = await connected.listed()
    bought = await connected.sandbox.control.buy(saved.skus[0].id, paid=True)
    order = await fetched(connected, bought["id"])
    assert order.delivery_option_id is not None
    usps, *_ = await connected.tiktok.shipping_providers(connected.shop, order.delivery_option_id)

    with pytest.raises(Refused) as refused:
        await connected.tiktok.mark_shipped(
            connected.shop, order.id, tracking_number="94", provider_id=usps.id
        )

    assert refused.value.code == wire.ORDER_ON_HOLD


async def test_a_unit_is_cancelled_and_then_all(connected: Connected) -> None:
    order = await sold(connected)
    tiktok, shop = connected.tiktok, connected.shop
    gone = wire.cancel_reason("out_of_stock", order.status, "US")

    one = await tiktok.cancel_order(shop, order.id, gone, [order.line_items[0].id])
    asked = wire.cancel_reason("buyer_asked", order.status, "US")
    await tiktok.cancel_order(shop, order.id, asked)
    with pytest.raises(Refused) as refused:
        await tiktok.cancel_order(shop, order.id, asked)

    assert refused.value.code in wire.ALREADY_CANCELLED
    assert (await fetched(connected, order.id)).status == wire.OrderStatus.CANCELLED
    query = wire.CancellationQuery(order_ids=(order.id,))
    pages = [page async for page in tiktok.cancellation_pages(shop, query)]
    first, second = [each for page in pages for each in page.items]
    assert (first.cancel_id, first.cancel_type) == (one.cancel_id, wire.CancelType.CANCEL)
    assert first.cancel_status == wire.CancelStatus.SUCCESS
    assert first.cancel_line_items[0].order_line_item_id == order.line_items[0].id
    assert second.cancel_reason == asked


async def test_a_buyers_wish_to_cancel_is_found_and_granted(connected: Connected) -> None:
    order = await sold(connected)
    await connected.sandbox.control.ask_to_cancel(order.id)
    (wish,) = (await connected.tiktok.search_cancellations(connected.shop)).items
    assert (await fetched(connected, order.id)).is_buyer_request_cancel
    assert wish.cancel_type == wire.CancelType.BUYER_CANCEL
    assert [each.action for each in wish.seller_next_action_response] == ["SELLER_RESPOND_CANCEL"]

    for _ in range(2):
        await connected.tiktok.approve_cancellation(connected.shop, wish.cancel_id, "key")

    assert (await fetched(connected, order.id)).status == wire.OrderStatus.CANCELLED


async def test_a_return_is_followed_to_its_end(connected: Connected) -> None:
    order = await sold(connected)
    tiktok, shop, control = connected.tiktok, connected.shop, connected.sandbox.control
    await control.ship(order.id)
    await control.deliver(order.id)
    wish = (await control.give_back(order.id, [order.line_items[0].id]))["return_id"]

    async def found() -> wire.Return:
        query = wire.ReturnQuery(order_ids=(order.id,), update_time_ge=int(START))
        [only] = [each async for page in tiktok.return_pages(shop, query) for each in page.items]
        return only

    async def approve() -> None:
        (action,) = (await found()).seller_next_action_response
        assert action.action is not None
        await tiktok.approve_return(shop, wish, wire.APPROVALS[action.action], action.action)

    await approve()
    assert (await found()).return_status == wire.ReturnStatus.AWAITING_BUYER_SHIP
    await control.send_back(wish)
    await approve()
    await control.clock(60)

    done = await found()
    assert done.return_status == wire.ReturnStatus.COMPLETE
    assert done.refund_amount is not None
    assert wire.minor_units(done.refund_amount.refund_total, done.refund_amount.currency) == 1250
    assert [line.order_line_item_id for line in done.return_line_items] == [order.line_items[0].id]


async def test_a_return_is_turned_down_for_a_reason_of_tiktoks(connected: Connected) -> None:
    order = await sold(connected)
    tiktok, shop, control = connected.tiktok, connected.shop, connected.sandbox.control
    await control.ship(order.id)
    await control.deliver(order.id)
    wish = (await control.give_back(order.id, return_type="REFUND"))["return_id"]
    reason, *_ = await tiktok.reject_reasons(shop, wish)

    decision = wire.REJECTIONS[wire.SellerAction.REFUND]
    await tiktok.reject_return(shop, wish, decision, reason.name, "key", comment="It is fine.")

    (rejected,) = (await tiktok.search_returns(shop)).items
    assert rejected.return_status == wire.ReturnStatus.REJECTED


async def test_lives_are_read(connected: Connected) -> None:
    control = connected.sandbox.control
    await control.live("7300000000000000001", title="Tonight")
    await control.clock(3600)
    await control.live("7300000000000000001", ended=True)

    page = await connected.tiktok.lives(connected.shop, "2026-09-01", "2026-10-01")

    assert [(live.id, live.title) for live in page.items] == [("7300000000000000001", "Tonight")]
    assert page.items[0].start_time == START


async def test_restock_on_cancel_is_turned_off(connected: Connected) -> None:
    await connected.tiktok.auto_restock(connected.shop, False)

    assert await connected.done("stock_settings") == 1


async def test_webhooks_are_configured_signed_and_understood(
    connected: Connected, inbox: Inbox
) -> None:
    tiktok, shop = connected.tiktok, connected.shop
    topics = sorted(set(wire.TOPICS.values()))
    for topic in topics:
        await tiktok.set_webhook(shop, topic, inbox.url)
    configured = await tiktok.webhooks(shop)

    saved = await connected.listed()
    order = await connected.sandbox.control.buy(saved.skus[0].id, paid=True)
    await connected.sandbox.control.cancel(order["id"])
    await connected.sandbox.control.clock(1)
    await connected.sandbox.control.deauthorize(SELLER)
    await connected.sandbox.control.clock(1)

    assert {hook.event_type for hook in configured} == set(topics)
    assert {hook.address for hook in configured} == {inbox.url}
    assert inbox.signed
    assert all(inbox.signed)
    by_topic = {event.topic: event.data for event in inbox.events}
    assert None not in by_topic
    cancelled = by_topic[wire.Topic.ORDER_STATUS_CHANGE]
    audited = by_topic[wire.Topic.PRODUCT_AUDIT_STATUS_CHANGE]
    assert isinstance(cancelled, webhooks.OrderChanged)
    assert cancelled.order_status == wire.OrderStatus.CANCELLED
    assert isinstance(audited, webhooks.AuditChanged)
    assert audited.product_id == saved.product_id
    assert isinstance(by_topic[wire.Topic.SELLER_DEAUTHORIZATION], webhooks.Deauthorized)


async def test_a_webhook_is_taken_away(connected: Connected, inbox: Inbox) -> None:
    await connected.tiktok.set_webhook(connected.shop, wire.Topic.ORDER_STATUS_CHANGE, inbox.url)
    await connected.tiktok.delete_webhook(connected.shop, wire.Topic.ORDER_STATUS_CHANGE)

    assert await connected.tiktok.webhooks(connected.shop) == ()
