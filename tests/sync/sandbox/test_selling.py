"""Stock, shoppers, orders and LIVEs."""

from typing import Any

import aiohttp
import pytest

from sync.sandbox.errors import ShopperRefused
from sync.sandbox.ids import WarehouseId
from sync.sandbox.sellers import Warehouse
from sync.sandbox.server import Sandbox
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.conftest import AUDIT_S, START
from tests.sync.sandbox.shelf import HOUR_S, Shelf, told


async def test_an_update_sets_what_is_available_whatever_was_sold(
    sandbox: Sandbox, shelf: Shelf
) -> None:
    await sandbox.control.buy(shelf.sku_id, 1)
    assert await shelf.stock() == (4, 1)

    assert await shelf.set(5) == {}
    assert await shelf.stock() == (5, 1)
    await shelf.set(0)
    assert await shelf.stock() == (0, 1)


async def test_the_warehouse_of_a_sku_in_one_alone_need_not_be_named(shelf: Shelf) -> None:
    assert await shelf.set(7, warehouse_id="") == {}
    assert await shelf.stock() == (7, 0)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": 100_000}, 12052055),
        ({"quantity": -1}, 12052055),
        ({"warehouse_id": "17"}, 12052530),
    ],
)
async def test_a_stock_that_cannot_be_is_told_for_its_sku(
    shelf: Shelf, changes: dict[str, Any], code: int
) -> None:
    stock = {"warehouse_id": shelf.warehouse_id, "quantity": 3} | changes
    body = {
        "skus": [
            {"id": shelf.sku_id, "inventory": [stock]},
            {"id": "17", "inventory": [stock]},
        ]
    }
    [fault, unknown] = (await shelf.caller.data("POST", shelf.path, body))["errors"]

    assert (fault["code"], fault["detail"]["sku_id"]) == (12052990, shelf.sku_id)
    assert [each["code"] for each in fault["detail"]["extra_errors"]] == [code]
    assert (unknown["code"], unknown["detail"]["sku_id"]) == (12052557, "17")
    assert await shelf.stock() == (5, 0)


async def test_each_warehouse_of_a_sku_is_to_be_named(sandbox: Sandbox, caller: Caller) -> None:
    shop = sandbox.world.market(None).shop
    shop.warehouses.append(Warehouse(WarehouseId("7495540735365776699"), "Second"))
    body = await caller.body()
    places = [{"warehouse_id": each.id, "quantity": 2} for each in shop.sales_warehouses()]
    body["skus"][0]["inventory"] = places
    made = await caller.data("POST", "/product/202309/products", body)
    path = f"/product/202309/products/{made['product_id']}/inventory/update"
    sku_id = made["skus"][0]["id"]

    half = await caller.data("POST", path, {"skus": [{"id": sku_id, "inventory": places[:1]}]})
    both = await caller.data("POST", path, {"skus": [{"id": sku_id, "inventory": places}]})

    assert [each["code"] for each in half["errors"]] == [12052516]
    assert both == {}


async def test_a_read_of_stock_is_of_100_products_or_600_skus(shelf: Shelf) -> None:
    path = "/product/202309/inventory/search"

    async def code(**body: list[str]) -> int:
        answer: int = (await shelf.caller.call("POST", path, body))["code"]
        return answer

    assert await code() == 12052910
    assert await code(product_ids=["1"] * 101) == 12019120
    assert await code(product_ids=["1"] * 100) == 0
    assert await code(sku_ids=["1"] * 601) == 12019120
    assert await code(sku_ids=["1"] * 600) == 0
    data = await shelf.caller.data("POST", path, {"product_ids": [shelf.product_id, "1"]})
    assert [each["product_id"] for each in data["inventory"]] == [shelf.product_id]


async def test_nobody_buys_more_than_is_available(sandbox: Sandbox, shelf: Shelf) -> None:
    with pytest.raises(ShopperRefused) as refused:
        await sandbox.control.buy(shelf.sku_id, 6)

    assert refused.value.reason == "sold_out"
    await sandbox.control.buy(shelf.sku_id, 5)
    assert await shelf.stock() == (0, 5)


async def test_only_what_is_on_sale_is_bought(sandbox: Sandbox, caller: Caller) -> None:
    made = await caller.create()

    with pytest.raises(ShopperRefused) as refused:
        await sandbox.control.buy(made["skus"][0]["id"])
    assert refused.value.reason == "not_on_sale"


async def test_an_order_has_one_line_item_for_each_unit(sandbox: Sandbox, shelf: Shelf) -> None:
    bought = await sandbox.control.buy(shelf.sku_id, 2, room_id="7290000000000000001")

    order = await told(shelf.caller, bought["id"])
    assert (order["status"], order["create_time"]) == ("UNPAID", START + AUDIT_S)
    assert order["payment"]["total_amount"] == "48.00"
    assert len({item["id"] for item in order["line_items"]}) == 2
    for item in order["line_items"]:
        assert item["sku_id"] == shelf.sku_id
        assert item["product_id"] == shelf.product_id
        assert item["seller_sku"] == "CANDLE-1"
        assert item["sale_price"] == "24.00"
        assert item["room_id"] == "7290000000000000001"


async def test_an_order_outside_of_a_live_has_no_room(sandbox: Sandbox, shelf: Shelf) -> None:
    bought = await sandbox.control.buy(shelf.sku_id)

    [item] = (await told(shelf.caller, bought["id"]))["line_items"]
    assert "room_id" not in item


async def test_a_paid_order_is_held_an_hour_without_its_address(
    sandbox: Sandbox, shelf: Shelf
) -> None:
    bought = await sandbox.control.buy(shelf.sku_id, paid=True)
    held = await told(shelf.caller, bought["id"])
    await sandbox.control.clock(HOUR_S)
    free = await told(shelf.caller, bought["id"])

    assert (held["status"], held["is_on_hold_order"]) == ("ON_HOLD", True)
    assert held["recipient_address"]["full_address"] == ""
    assert (free["status"], free["update_time"]) == (
        "AWAITING_SHIPMENT",
        START + AUDIT_S + HOUR_S,
    )
    assert free["recipient_address"]["full_address"] != ""


async def test_an_order_goes_its_way_to_its_end(sandbox: Sandbox, shelf: Shelf) -> None:
    control = sandbox.control
    bought = await control.buy(shelf.sku_id, 2, paid=True)
    await control.clock(HOUR_S)
    first = bought["line_items"][0]["id"]

    assert (await control.ship(bought["id"], [first]))["status"] == "PARTIALLY_SHIPPING"
    assert await shelf.stock() == (3, 1)
    order = await told(shelf.caller, bought["id"])
    shown = [item["display_status"] for item in order["line_items"]]
    assert shown == ["IN_TRANSIT", "AWAITING_SHIPMENT"]
    assert [item.get("package_id") for item in order["line_items"]] == [
        order["packages"][0]["id"],
        None,
    ]
    assert (await control.ship(bought["id"]))["status"] == "IN_TRANSIT"
    assert await shelf.stock() == (3, 0)
    assert (await control.deliver(bought["id"]))["status"] == "DELIVERED"
    assert (await control.complete(bought["id"]))["status"] == "COMPLETED"
    with pytest.raises(ShopperRefused, match="is COMPLETED"):
        await control.cancel(bought["id"])


async def test_an_order_takes_each_step_once(sandbox: Sandbox, shelf: Shelf) -> None:
    control = sandbox.control
    bought = await control.buy(shelf.sku_id)
    for too_early in (control.ship, control.deliver, control.complete, control.give_back):
        with pytest.raises(ShopperRefused, match="is UNPAID"):
            await too_early(bought["id"])
    await control.pay(bought["id"])
    with pytest.raises(ShopperRefused, match="is ON_HOLD"):
        await control.pay(bought["id"])
    with pytest.raises(ShopperRefused) as refused:
        await control.cancel(bought["id"], ["17"])
    assert refused.value.reason == "unknown_item"


async def test_an_order_is_of_one_shop_and_of_something(
    sandbox: Sandbox, session: aiohttp.ClientSession, shelf: Shelf
) -> None:
    other = await Caller(sandbox, session).connect("harbour")
    made = await other.create()
    await sandbox.control.clock(AUDIT_S)

    for basket, reason in (
        ({}, "empty"),
        ({shelf.sku_id: 0}, "empty"),
        ({"17": 1}, "unknown_sku"),
        ({shelf.sku_id: 1, made["skus"][0]["id"]: 1}, "two_shops"),
        ({shelf.sku_id: 1, made["skus"][0]["id"]: 9}, "two_shops"),
    ):
        with pytest.raises(ShopperRefused) as refused:
            await sandbox.control.buy(basket=basket)
        assert refused.value.reason == reason
    with pytest.raises(ShopperRefused) as refused:
        await sandbox.control.pay("17")
    assert refused.value.reason == "unknown_order"
    assert await shelf.stock() == (5, 0)


async def test_an_order_has_a_status_that_nobody_knows(sandbox: Sandbox, shelf: Shelf) -> None:
    bought = await sandbox.control.buy(shelf.sku_id)
    await sandbox.control.order(bought["id"], "TELEPORTED")

    assert (await told(shelf.caller, bought["id"]))["status"] == "TELEPORTED"
    assert await shelf.stock() == (4, 1)


async def test_a_cancellation_restocks_unless_that_is_off(sandbox: Sandbox, shelf: Shelf) -> None:
    await sandbox.control.cancel((await sandbox.control.buy(shelf.sku_id, 2))["id"])
    assert await shelf.stock() == (5, 0)

    path = "/product/202608/inventory/operation/settings"
    body = {
        "sku_ids": [shelf.sku_id, "17"],
        "stock_operation_setting": {"enable_auto_restock": False},
    }
    assert await shelf.caller.data("POST", path, body) == {"failed_sku_ids": ["17"]}
    await sandbox.control.cancel((await sandbox.control.buy(shelf.sku_id, 2))["id"])
    assert await shelf.stock() == (3, 0)


async def test_restocking_is_set_for_a_whole_shop_too(sandbox: Sandbox, shelf: Shelf) -> None:
    path = "/product/202608/inventory/operation/settings"
    assert (await shelf.caller.call("POST", path, {}))["code"] == 12052910
    await shelf.caller.data("POST", path, {"enable_auto_restock": False})

    await sandbox.control.cancel((await sandbox.control.buy(shelf.sku_id))["id"])
    assert await shelf.stock() == (4, 0)


async def test_a_unit_is_cancelled_alone(sandbox: Sandbox, shelf: Shelf) -> None:
    bought = await sandbox.control.buy(shelf.sku_id, 2)
    first = bought["line_items"][0]["id"]
    await sandbox.control.clock(1)
    await sandbox.control.cancel(bought["id"], [first], reason="Colour")

    order = await told(shelf.caller, bought["id"])
    assert order["status"] == "UNPAID"
    assert order["update_time"] == order["create_time"] + 1
    assert [item["display_status"] for item in order["line_items"]] == ["CANCELLED", "UNPAID"]
    assert order["line_items"][0]["cancel_reason"] == "Colour"
    assert await shelf.stock() == (4, 1)


async def test_a_late_cancellation_does_not_restock(sandbox: Sandbox, shelf: Shelf) -> None:
    control = sandbox.control
    bought = await control.buy(shelf.sku_id, 2, paid=True)
    await control.clock(HOUR_S)
    await control.ship(bought["id"])
    await control.cancel(bought["id"])

    assert (await told(shelf.caller, bought["id"]))["status"] == "CANCELLED"
    assert await shelf.stock() == (3, 0)


async def test_an_order_cancelled_while_it_is_held_stays_so(sandbox: Sandbox, shelf: Shelf) -> None:
    bought = await sandbox.control.buy(shelf.sku_id, paid=True)
    await sandbox.control.cancel(bought["id"])
    await sandbox.control.clock(HOUR_S)

    order = await told(shelf.caller, bought["id"])
    assert (order["status"], order["cancellation_initiator"]) == ("CANCELLED", "BUYER")


async def search(caller: Caller, body: dict[str, Any], **query: str) -> dict[str, Any]:
    query.setdefault("page_size", "100")
    return await caller.data("POST", "/order/202309/orders/search", body, query=query)


async def test_orders_are_searched_by_time_and_status(sandbox: Sandbox, shelf: Shelf) -> None:
    begun = int(START + AUDIT_S)
    ids = []
    for _ in range(4):
        ids.append((await sandbox.control.buy(shelf.sku_id))["id"])
        await sandbox.control.clock(10)
    await sandbox.control.cancel(ids[0])

    async def found(body: dict[str, Any], **query: str) -> list[str]:
        return [each["id"] for each in (await search(shelf.caller, body, **query))["orders"]]

    assert await found({}) == ids[::-1]
    assert await found({}, sort_order="ASC", sort_field="update_time") == [*ids[1:], ids[0]]
    assert await found({"order_status": "CANCELLED"}) == [ids[0]]
    assert await found({"create_time_ge": begun + 10, "create_time_lt": begun + 30}) == [
        ids[2],
        ids[1],
    ]
    assert await found({"update_time_ge": begun + 30}) == [ids[3], ids[0]]
    both = {"update_time_ge": begun, "create_time_lt": begun + 10}
    assert await found(both) == [ids[0]]


async def test_orders_come_in_pages(sandbox: Sandbox, shelf: Shelf) -> None:
    ids = [(await sandbox.control.buy(shelf.sku_id))["id"] for _ in range(3)]
    query = {"page_size": "2", "sort_order": "ASC"}
    first = await search(shelf.caller, {}, **query)
    second = await search(shelf.caller, {}, page_token=first["next_page_token"], **query)

    assert [order["id"] for order in first["orders"]] == ids[:2]
    assert [order["id"] for order in second["orders"]] == ids[2:]
    assert (first["total_count"], second["next_page_token"]) == (3, "")
    assert (await search(shelf.caller, {}, page_size="3"))["next_page_token"] == ""


async def test_fifty_orders_at_once_are_the_most(caller: Caller) -> None:
    for count, code in ((0, 36009004), (50, 0), (51, 36009004)):
        ids = ",".join(str(number) for number in range(count))
        answer = await caller.call("GET", "/order/202507/orders", query={"ids": ids})
        assert answer["code"] == code


async def test_the_orders_of_a_day_are_limited_by_the_tier(sandbox: Sandbox, shelf: Shelf) -> None:
    await sandbox.control.shop(orders_per_day=2)
    for _ in range(2):
        await sandbox.control.buy(shelf.sku_id)
    with pytest.raises(ShopperRefused) as refused:
        await sandbox.control.buy(shelf.sku_id)

    assert refused.value.reason == "order_limit"
    assert await warehouse_status(shelf.caller) == "RESTRICTED"
    await sandbox.control.clock(24 * HOUR_S)
    assert await warehouse_status(shelf.caller) == "ENABLED"
    await sandbox.control.buy(shelf.sku_id)


async def warehouse_status(caller: Caller) -> str:
    data = await caller.data("GET", "/logistics/202309/warehouses")
    status: str = data["warehouses"][0]["effect_status"]
    return status


async def test_nobody_buys_in_holidays(sandbox: Sandbox, shelf: Shelf) -> None:
    await sandbox.control.shop(holiday=True)

    assert await warehouse_status(shelf.caller) == "RESTRICTED"
    with pytest.raises(ShopperRefused) as refused:
        await sandbox.control.buy(shelf.sku_id)
    assert refused.value.reason == "holiday"


async def test_a_purchase_comes_right_before_the_update_it_is_told_to(
    sandbox: Sandbox, shelf: Shelf
) -> None:
    await sandbox.control.before_inventory_update(shelf.sku_id, 2, nth=2)
    await shelf.set(4)
    assert await shelf.stock() == (4, 0)
    await shelf.set(3)
    assert await shelf.stock() == (3, 2)
    await shelf.set(4)
    assert await shelf.stock() == (4, 2)

    [purchase] = (await sandbox.control.state())["purchases"]
    assert purchase.outcome in sandbox.world.market(None).orders.by_id


async def test_a_purchase_before_an_update_finds_what_there_is(
    sandbox: Sandbox, shelf: Shelf
) -> None:
    await sandbox.control.before_inventory_update(shelf.sku_id, 6, of_any=True)
    await shelf.set(9)

    assert await shelf.stock() == (9, 0)
    [purchase] = (await sandbox.control.state())["purchases"]
    assert purchase.outcome == "sold_out"


async def test_sales_of_a_live_add_up_from_its_orders(sandbox: Sandbox, shelf: Shelf) -> None:
    control, room = sandbox.control, "7290000000000000001"
    await control.live(room, title="Candles tonight")
    await control.buy(shelf.sku_id, 2, room_id=room, buyer="ann", paid=True)
    await control.buy(shelf.sku_id, 1, room_id=room, buyer="ben")
    await control.buy(shelf.sku_id, 1, buyer="cid", paid=True)
    cancelled = await control.buy(shelf.sku_id, 1, room_id=room, buyer="dan", paid=True)
    await control.cancel(cancelled["id"])
    await control.clock(60)
    await control.live(room, ended=True)

    async def sessions(first: str, end: str) -> list[dict[str, Any]]:
        days = {"start_date_ge": first, "end_date_lt": end}
        path = "/analytics/202609/shop_lives/performance"
        data = await shelf.caller.data("GET", path, query=days)
        assert data["total_count"] == len(data["live_stream_sessions"])
        found: list[dict[str, Any]] = data["live_stream_sessions"]
        return found

    [live] = await sessions("2026-09-21", "2026-09-22")
    sales = live["sales_performance"]
    assert (live["id"], live["title"]) == (room, "Candles tonight")
    assert live["end_time"] == str(int(START + AUDIT_S) + 60)
    assert sales["gmv"] == {"amount": "48.00", "currency": "USD"}
    assert (sales["items_sold"], sales["sku_orders"], sales["customers"]) == (2, 1, 1)
    assert sales["created_sku_orders"] == 3
    assert await sessions("2026-09-22", "2026-09-23") == []


async def test_lives_come_in_pages_by_what_they_sold(sandbox: Sandbox, shelf: Shelf) -> None:
    for room, units in (("1", 1), ("2", 3), ("3", 0)):
        await sandbox.control.live(room)
        if units:
            await sandbox.control.buy(shelf.sku_id, units, room_id=room, paid=True)
    path = "/analytics/202609/shop_lives/performance"

    async def page(**query: str) -> tuple[list[str], str]:
        days = {"start_date_ge": "2026-09-21", "end_date_lt": "2026-09-22"}
        data = await shelf.caller.data("GET", path, query=days | {"page_size": "2"} | query)
        return [live["id"] for live in data["live_stream_sessions"]], data["next_page_token"]

    first, token = await page(sort_field="items_sold")
    assert (first, await page(sort_field="items_sold", page_token=token)) == (
        ["2", "1"],
        (["3"], ""),
    )
    assert (await page(sort_order="ASC"))[0] == ["3", "1"]
    assert (await page(page_size="3"))[1] == ""


async def test_a_live_that_nobody_named_has_a_title(sandbox: Sandbox, shelf: Shelf) -> None:
    await sandbox.control.buy(shelf.sku_id, room_id="17")
    days = {"start_date_ge": "2026-09-21", "end_date_lt": "2026-09-22"}
    path = "/analytics/202609/shop_lives/performance"
    [live] = (await shelf.caller.data("GET", path, query=days))["live_stream_sessions"]

    assert (live["title"], live["end_time"]) == ("LIVE 17", "")


async def test_analytics_want_dates(caller: Caller) -> None:
    days = {"start_date_ge": "yesterday", "end_date_lt": "2026-09-22"}
    answer = await caller.call("GET", "/analytics/202609/shop_lives/performance", query=days)

    assert answer["code"] == 36009004
