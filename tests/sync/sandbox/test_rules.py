"""Rules that hold whatever is sent and whatever shoppers do."""

import contextlib
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.sandbox import cancelling, shipping, shoppers
from sync.sandbox.call import Call
from sync.sandbox.errors import Refused, ShopperRefused
from sync.sandbox.gateway import HANDLERS
from sync.sandbox.ids import SkuId
from sync.sandbox.tokens import Authorization
from sync.sandbox.wire import ENDPOINTS, Endpoint, OrderStatus
from sync.sandbox.world import SandboxSettings, World
from tests.sync.sandbox.caller import CANDLES, picture
from tests.sync.sandbox.conftest import START

BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}

FIELDS = [
    *("title", "description", "category_id", "category_version", "main_images", "uri", "skus"),
    *("id", "seller_sku", "price", "amount", "currency", "inventory", "warehouse_id", "quantity"),
    *("sales_attributes", "name", "value_name", "sku_img", "product_attributes", "values"),
    *("certifications", "images", "files", "package_weight", "value", "unit", "save_mode"),
    *("idempotency_key", "product_ids", "sku_ids", "seller_skus", "status", "audit_status"),
    *("update_time_ge", "update_time_le", "create_time_ge", "order_status", "create_time_lt"),
    *("address", "event_type", "stock_operation_setting", "enable_auto_restock", "page_token"),
    *("page_size", "sort_field", "sort_order", "start_date_ge", "end_date_lt", "ids"),
]
IMAGE = picture()


class Place:
    """A world with a product of one SKU on sale, called without HTTP."""

    def __init__(self) -> None:
        self.world = World(SandboxSettings(start=START, manual_clock=True, audit_s=0, hold_s=0))
        seller = self.world.seller("cedar")
        self.authorization = Authorization(seller, self.world.scopes, int(START) + 10**6)
        self.market = self.world.market(None)
        image = self.world.images.upload(IMAGE, "MAIN_IMAGE", seller.open_id)
        self.warehouse_id = self.market.shop.warehouses[0].id
        self.body: dict[str, Any] = {
            "title": "Cedar candle in a stoneware jar",
            "description": "<p>Burns.</p>",
            "category_id": CANDLES,
            "main_images": [{"uri": image.uri}],
            "skus": [
                {
                    "seller_sku": "S",
                    "price": {"amount": "24.00", "currency": "USD"},
                    "inventory": [{"warehouse_id": self.warehouse_id, "quantity": 5}],
                }
            ],
        }
        made = self.call("create_product", self.body)
        self.product_id: str = made["product_id"]
        self.sku_id: str = made["skus"][0]["id"]
        [product] = self.market.catalogue.by_id.values()
        self.product = product
        self.market.catalogue.move(product, "ACTIVATE", int(START))

    def call(
        self, name: str, body: Any, path_id: str = "", query: dict[str, str] | None = None
    ) -> Any:
        endpoint: Endpoint = BY_NAME[name]
        data = msgspec.json.encode(body)
        form = {"data": data} if endpoint.multipart else {}
        call = Call(
            self.world, endpoint, path_id, query or {}, data, form, self.authorization, self.market
        )
        return HANDLERS[name](call)


texts = st.text(max_size=6) | st.sampled_from([CANDLES, "USD", "24.00", "1", "v2", "ALL"])
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(
    name=st.sampled_from(sorted(BY_NAME)),
    body=anything,
    query=st.dictionaries(st.sampled_from(FIELDS), texts, max_size=3),
    of_product=st.booleans(),
)
def test_whatever_is_sent_is_answered_or_refused(
    name: str, body: Any, query: dict[str, str], of_product: bool
) -> None:
    place = Place()
    with contextlib.suppress(Refused):
        place.call(
            name,
            body,
            place.product_id if of_product else CANDLES,
            {"page_size": "5", "category_version": "v2"} | query,
        )


@given(st.data())
def test_a_good_body_with_one_thing_changed_is_answered_or_refused(data: st.DataObject) -> None:
    place = Place()
    body = dict(place.body)
    field = data.draw(st.sampled_from(FIELDS))
    inside = data.draw(st.sampled_from(["body", "sku", "stock"]))
    value = data.draw(anything)
    if inside == "body":
        body[field] = value
    elif inside == "sku":
        body["skus"] = [body["skus"][0] | {field: value}]
    else:
        body["skus"][0]["inventory"] = [body["skus"][0]["inventory"][0] | {field: value}]
    for name in ("listing_check", "create_product", "edit_product", "partial_edit_product"):
        with contextlib.suppress(Refused):
            place.call(name, body, place.product_id)
    place.call("get_product", None, place.product_id)
    place.call("search_products", {}, query={"page_size": "10"})


STEPS = st.sampled_from(["buy", "pay", "ship one", "ship", "cancel one", "cancel", "set", "toggle"])


@given(st.lists(st.tuples(STEPS, st.integers(0, 7)), max_size=40))
def test_what_is_committed_is_what_was_bought_and_neither_sent_nor_cancelled(
    steps: list[tuple[str, int]],
) -> None:
    place = Place()
    world, orders = place.world, place.market.orders.by_id
    sku_id = SkuId(place.sku_id)
    for step, number in steps:
        order = list(orders.values())[number % len(orders)] if orders else None
        before = place.product.available(sku_id)
        try:
            if step == "buy":
                shoppers.buy(world, {sku_id: number}, room_id=None, buyer="b")
                assert place.product.available(sku_id) == before - number
            elif step == "set":
                stock = {"warehouse_id": place.warehouse_id, "quantity": number}
                skus = [{"id": sku_id, "inventory": [stock]}]
                assert place.call("update_inventory", {"skus": skus}, place.product_id) == {}
                assert place.product.available(sku_id) == number
            elif step == "toggle":
                place.call("stock_settings", {"enable_auto_restock": bool(number % 2)})
            elif order is not None:
                one: list[str] | None = None
                if "one" in step:
                    one = [item.id for item in order.open_items()[:1]]
                if step == "pay":
                    shoppers.pay(world, order.id)
                elif step.startswith("ship"):
                    shipping.ship(world, order.id, one)
                else:
                    cancelling.cancel(world, order.id, one, reason="r", role="BUYER")
        except ShopperRefused:
            assert place.product.available(sku_id) == before
        owed = [
            item
            for each in orders.values()
            for item in each.line_items
            if item.status != OrderStatus.CANCELLED and not item.sent
        ]
        assert place.product.committed(sku_id) == len(owed)
        assert place.product.available(sku_id) >= 0
        for each in orders.values():
            assert (each.status == OrderStatus.CANCELLED) == (not each.open_items())
