"""Purchases with discounts, by crowds, and in the midst of our calls."""

import pytest

from sync.sandbox.errors import ControlError
from sync.sandbox.server import Sandbox
from sync.sandbox.shoppers import Paid
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.mailbox import Mailbox
from tests.sync.sandbox.shelf import Shelf, told


async def test_an_orders_discounts_shipping_and_tax_add_up(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    costs = Paid(seller_discount=300, platform_discount=150, shipping=499, tax=120)
    order = await sandbox.control.buy(shelf.sku_id, 2, costs=costs, message="Ring twice")

    there = await told(caller, order["id"])
    [line, _] = there["line_items"]
    assert (line["original_price"], line["sale_price"]) == ("24.00", "19.50")
    assert (line["seller_discount"], line["platform_discount"]) == ("3.00", "1.50")
    payment = there["payment"]
    assert payment["original_total_product_price"] == "48.00"
    assert (payment["seller_discount"], payment["platform_discount"]) == ("6.00", "3.00")
    assert (payment["sub_total"], payment["total_amount"]) == ("39.00", "45.19")
    assert there["buyer_message"] == "Ring twice"


async def test_a_crowd_buys_until_nothing_is_left(sandbox: Sandbox, shelf: Shelf) -> None:
    some = await sandbox.control.crowd([shelf.sku_id], 3, paid=True)
    rest = await sandbox.control.crowd([shelf.sku_id], 3)

    assert (len(some["order_ids"]), some["reason"]) == (3, None)
    assert (len(rest["order_ids"]), rest["reason"]) == (2, "sold_out")
    assert await shelf.stock() == (0, 5)


async def test_a_shopper_buys_right_after_an_update_and_before_its_answer(
    sandbox: Sandbox, shelf: Shelf
) -> None:
    await sandbox.control.after_inventory_update(shelf.sku_id, 2)

    await shelf.set(4)

    assert await shelf.stock() == (2, 2)


async def test_hooks_run_in_the_midst_of_a_call_until_they_are_cleared(
    sandbox: Sandbox, shelf: Shelf, caller: Caller
) -> None:
    async def buys() -> None:
        await sandbox.control.buy(shelf.sku_id)

    sandbox.control.before("search_orders", buys)
    sandbox.control.after("update_inventory", buys)
    query = {"page_size": "10"}

    found = await caller.data("POST", "/order/202309/orders/search", {}, query=query)
    await shelf.set(3)

    assert found["total_count"] == 1
    assert await shelf.stock() == (2, 2)
    await sandbox.control.clear_faults()
    await shelf.set(3)
    assert await shelf.stock() == (3, 2)


async def test_a_hook_of_an_endpoint_that_there_is_not_is_refused(sandbox: Sandbox) -> None:
    async def nothing() -> None: ...

    with pytest.raises(ControlError, match="no endpoint 'search'"):
        sandbox.control.before("search", nothing)


async def test_webhooks_are_delayed(
    sandbox: Sandbox, shelf: Shelf, caller: Caller, mailbox: Mailbox
) -> None:
    await mailbox.subscribe(caller, "ORDER_STATUS_CHANGE")
    await sandbox.control.tamper(delay=1, delay_s=30)
    late = await sandbox.control.buy(shelf.sku_id)
    soon = await sandbox.control.buy(shelf.sku_id)

    await sandbox.control.clock(29)
    assert [each["order_id"] for each in mailbox.of(1)] == [soon["id"]]
    await sandbox.control.clock(1)
    assert [each["order_id"] for each in mailbox.of(1)] == [soon["id"], late["id"]]
