"""Orders over HTTP: the shop's own."""

import asyncio
from typing import Any

import pytest

from sync.connection import Connection
from sync.orders.order import OrderId
from sync.store.buyers import Buyers
from sync.store.orders import Orders
from tests.api.client import Answer, Client
from tests.api.conftest import Invited

ORDERS = "/api/v1/orders"
PRODUCTS = "/api/v1/products"
ANN = {"name": "Ann Example", "address": "2 Shopper Road", "email": "ann@mail.example"}


async def stocked(owner: Client, units: int = 5, **said: Any) -> Any:
    """The SKU of a new product."""
    skus = [{"price": 1250, "seller_sku": "MUG-1", "on_hand": units}]
    product = await owner.post(
        PRODUCTS, {"title": "Mug", "currency": "USD", "skus": skus, **said}, 201
    )
    return product["skus"][0]


async def sent(owner: Client, body: object, key: str = "k1") -> Answer:
    return await owner.call("POST", ORDERS, body, headers={"Idempotency-Key": key})


async def placed(owner: Client, sku: Any, units: int = 1, key: str = "k1", **said: Any) -> Any:
    body = {"lines": [{"sku": sku["id"], "units": units}], **said}
    answer = await sent(owner, body, key)
    assert answer.status == 201, answer.body
    return answer.json


async def stock_of(owner: Client, sku: Any) -> dict[str, int]:
    """Units on hand, committed and free."""
    for product in (await owner.get(PRODUCTS))["products"]:
        for each in product["skus"]:
            if each["id"] == sku["id"]:
                stock = each["stock"]
                return {name: stock[name] for name in ("on_hand", "committed", "free")}
    raise AssertionError


async def test_an_order_is_placed_and_told_whole(owner: Client) -> None:
    sku = await stocked(owner)
    body = {
        "lines": [{"sku": sku["id"], "units": 2, "price": 1000}, {"sku": sku["id"]}],
        "number": "#1001",
        "show": "autumn",
        "note": "Gift",
        "buyer": ANN,
        "paid": True,
    }

    answer = await sent(owner, body)

    order = answer.json
    assert answer.status == 201
    assert answer.headers["Location"] == f"{ORDERS}/{order['id']}"
    assert (order["number"], order["channel"], order["status"]) == (
        "#1001",
        "shop",
        "AWAITING_SHIPMENT",
    )
    assert (order["currency"], order["total"], order["show"]) == ("USD", 3250, "autumn")
    assert [(line["units"], line["price"]) for line in order["lines"]] == [(2, 1000), (1, 1250)]
    assert order["paid_at"] is not None
    assert b"Ann" not in answer.body
    assert await owner.get(f"{ORDERS}/{order['id']}") == order
    assert await stock_of(owner, sku) == {"on_hand": 5, "committed": 3, "free": 2}


async def test_an_order_that_is_sent_twice_is_placed_once(owner: Client) -> None:
    sku = await stocked(owner)
    body = {"lines": [{"sku": sku["id"]}]}

    first, again, other = [await sent(owner, body, key) for key in ("k1", "k1", "k2")]

    assert (first.status, again.status, other.status) == (201, 200, 201)
    assert first.json == again.json
    assert other.json["id"] != first.json["id"]
    assert (await stock_of(owner, sku))["committed"] == 2


async def test_an_order_that_is_sent_twice_at_once_is_placed_once(owner: Client) -> None:
    sku = await stocked(owner)
    body = {"lines": [{"sku": sku["id"]}]}

    answers = await asyncio.gather(*(sent(owner, body) for _ in range(5)))

    assert sorted(each.status for each in answers) == [200, 200, 200, 200, 201]
    assert len({each.json["id"] for each in answers}) == 1
    assert (await stock_of(owner, sku))["committed"] == 1


async def test_a_key_is_good_for_one_body(owner: Client) -> None:
    sku = await stocked(owner)
    await placed(owner, sku)

    answer = await sent(owner, {"lines": [{"sku": sku["id"], "units": 2}]})

    assert answer.problem() == (409, "the Idempotency-Key came before with another body")


async def test_an_order_needs_a_key(owner: Client) -> None:
    for headers in ({}, {"Idempotency-Key": "a b"}, {"Idempotency-Key": "x" * 129}):
        answer = await owner.call("POST", ORDERS, {"lines": []}, headers=headers)

        assert answer.problem()[0] == 422
        assert answer.json["path"] == "Idempotency-Key"


async def test_what_there_is_too_little_of_is_told_and_nothing_is_taken(owner: Client) -> None:
    mug, vase = await stocked(owner, 5), await stocked(owner, 1, title="Vase")
    body = {"lines": [{"sku": mug["id"], "units": 5}, {"sku": vase["id"], "units": 2}]}

    answer = await sent(owner, body)

    assert answer.problem()[0] == 409
    assert answer.json["shortages"] == [{"sku": vase["id"], "wanted": 2, "free": 1, "set_aside": 0}]
    assert (await stock_of(owner, mug))["committed"] == 0
    assert (await sent(owner, {"lines": [{"sku": mug["id"]}]})).status == 201


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "none"}]}, "lines[0].sku"),
        ({"lines": [{"sku": "SKU", "units": 0}]}, "lines[0].units"),
        ({"lines": [{"sku": "SKU", "units": 100_000}]}, "lines[0].units"),
        ({"lines": [{"sku": "SKU", "price": -1}]}, "lines[0].price"),
        ({"lines": [{"sku": "SKU", "price": 1.5}]}, "lines[0].price"),
        ({"lines": [{"sku": "SKU"}], "number": "x" * 201}, "number"),
        ({"lines": [{"sku": "SKU"}], "note": "\x00"}, "note"),
        ({"lines": [{"sku": "SKU"}], "buyer": {"name": "x" * 2001}}, "buyer.name"),
        ({"lines": [{"sku": "SKU"}], "buyer": {"age": 7}}, "buyer"),
        ({}, None),
        ({"lines": [{"sku": "SKU"}], "other": 1}, None),
    ],
)
async def test_an_order_that_cannot_be_is_refused_with_the_place(
    body: Any, path: str | None, owner: Client
) -> None:
    sku = await stocked(owner)
    lines = [
        {**line, "sku": line["sku"].replace("SKU", sku["id"])} for line in body.get("lines", [])
    ]

    answer = await sent(owner, {**body, "lines": lines} if body else {})

    assert answer.problem()[0] == 422
    assert answer.json.get("path") == path


async def test_prices_of_two_currencies_make_no_order(owner: Client) -> None:
    mug, tasse = await stocked(owner), await stocked(owner, title="Tasse", currency="EUR")

    answer = await sent(owner, {"lines": [{"sku": mug["id"]}, {"sku": tasse["id"]}]})

    assert answer.problem() == (422, "lines: are priced in EUR and USD: order them apart")


async def test_what_is_not_on_sale_cannot_be_ordered(owner: Client) -> None:
    sku = await stocked(owner, status="draft")

    assert (await sent(owner, {"lines": [{"sku": sku["id"]}]})).problem()[0] == 409


async def test_an_order_goes_its_way(owner: Client) -> None:
    sku = await stocked(owner, 5)
    order = await placed(owner, sku, 3)
    path = f"{ORDERS}/{order['id']}"

    async def move(verb: str, body: object = None) -> tuple[str, dict[str, int]]:
        told = await owner.post(f"{path}/{verb}", body)
        return told["status"], await stock_of(owner, sku)

    assert order["status"] == "UNPAID"
    assert await move("pay") == (
        "AWAITING_SHIPMENT",
        {"on_hand": 5, "committed": 3, "free": 2},
    )
    one = {"lines": [{"line": "1", "units": 1}]}
    assert await move("fulfil", one) == (
        "PARTIALLY_SHIPPING",
        {"on_hand": 4, "committed": 2, "free": 2},
    )
    assert await move("cancel", {**one, "reason": "Broken"}) == (
        "PARTIALLY_SHIPPING",
        {"on_hand": 4, "committed": 1, "free": 3},
    )
    assert await move("fulfil") == ("IN_TRANSIT", {"on_hand": 3, "committed": 0, "free": 3})
    assert await move("fulfil") == ("IN_TRANSIT", {"on_hand": 3, "committed": 0, "free": 3})
    assert await move("complete") == ("COMPLETED", {"on_hand": 3, "committed": 0, "free": 3})
    back = {"lines": [{"line": "1", "units": 2, "refund": 2000}], "reason": "Too small"}
    assert await move("return", back) == (
        "COMPLETED",
        {"on_hand": 3, "committed": 0, "free": 3},
    )
    assert await move("restock", one) == ("COMPLETED", {"on_hand": 4, "committed": 0, "free": 4})
    two = {"lines": [{"line": "1", "units": 2}]}
    answer = await owner.call("POST", f"{path}/restock", two)
    assert answer.problem()[0] == 409
    assert await move("restock") == ("COMPLETED", {"on_hand": 5, "committed": 0, "free": 5})
    told = await owner.get(path)
    assert (told["lines"][0]["refunded"], told["lines"][0]["restocked"]) == (2000, 2)
    assert [(each["reason"], each["refund"]) for each in told["returns"]] == [("Too small", 2000)]


async def test_a_whole_order_is_cancelled_once(owner: Client) -> None:
    sku = await stocked(owner, 5)
    order = await placed(owner, sku, 3)
    path = f"{ORDERS}/{order['id']}"

    told = await owner.post(f"{path}/cancel", {"reason": "Changed my mind"})
    again = await owner.post(f"{path}/cancel")

    assert (told["status"], told["cancel_reason"], told["total"]) == (
        "CANCELLED",
        "Changed my mind",
        0,
    )
    assert again == told
    assert await stock_of(owner, sku) == {"on_hand": 5, "committed": 0, "free": 5}


async def test_moves_that_an_order_is_in_no_state_for_are_refused(owner: Client) -> None:
    sku = await stocked(owner)
    path = f"{ORDERS}/{(await placed(owner, sku))['id']}"

    async def refused(verb: str, body: object = None) -> str:
        status, detail = (await owner.call("POST", f"{path}/{verb}", body)).problem()
        assert status == 409
        return detail

    assert "is UNPAID: it is to be paid" in await refused("fulfil")
    assert "is UNPAID" in await refused("complete")
    assert "is UNPAID" in await refused("return", {"lines": [{"line": "1"}]})
    await owner.post(f"{path}/pay")
    await owner.post(f"{path}/fulfil")
    assert "can only be returned" in await refused("cancel")
    unknown = await owner.call("POST", f"{path}/return", {"lines": [{"line": "9"}]})
    assert unknown.problem()[0] == 422
    assert unknown.json["path"] == "lines[0].line"


async def test_two_people_who_send_the_same_units_send_them_once(owner: Client) -> None:
    sku = await stocked(owner, 5)
    path = f"{ORDERS}/{(await placed(owner, sku, 2, paid=True))['id']}"
    body = {"lines": [{"line": "1", "units": 2}]}

    answers = await asyncio.gather(
        owner.call("POST", f"{path}/fulfil", body), owner.call("POST", f"{path}/cancel", body)
    )

    assert sorted(each.status for each in answers) == [200, 409]
    stock = await stock_of(owner, sku)
    assert (stock["committed"], stock["on_hand"]) in ((0, 3), (0, 5))


async def test_an_order_that_there_is_not(owner: Client) -> None:
    assert (await owner.call("GET", f"{ORDERS}/o_none")).problem() == (
        404,
        "there is no order 'o_none'",
    )


async def test_orders_are_told_page_by_page_the_newest_first(owner: Client) -> None:
    sku = await stocked(owner, 100)
    ids = [(await placed(owner, sku, key=f"k{number}"))["id"] for number in range(7)]

    found, after = [], ""
    while True:
        page = await owner.get(f"{ORDERS}?limit=3{after}")
        assert page["total"] == 7
        found += [each["id"] for each in page["orders"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert found == ids[::-1]


async def test_orders_are_found_by_what_they_are(owner: Client) -> None:
    sku = await stocked(owner, 100)
    first = await placed(owner, sku, key="a", number="#1001", show="autumn")
    second = await placed(owner, sku, key="b", number="#1002", paid=True)

    async def found(query: str) -> list[str]:
        return [each["id"] for each in (await owner.get(f"{ORDERS}?{query}"))["orders"]]

    both = [second["id"], first["id"]]
    assert await found("channel=shop") == both
    assert await found("channel=tiktok") == []
    assert await found("status=UNPAID") == [first["id"]]
    assert await found("channel=shop&status=AWAITING_SHIPMENT") == [second["id"]]
    assert await found("show=autumn") == [first["id"]]
    assert await found("show=winter") == []
    assert await found("q=%231002") == [second["id"]]
    assert await found(f"q={first['id']}") == [first["id"]]
    assert await found(f"q={first['id']}&status=CANCELLED") == []
    assert await found("q=none") == []


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "what=1", "channel=ebay", f"q={'x' * 201}"]
)
async def test_a_query_that_cannot_be_is_refused(query: str, owner: Client) -> None:
    assert (await owner.call("GET", f"{ORDERS}?{query}")).problem()[0] == 422


async def test_the_buyer_is_the_owners_to_see(
    owner: Client, producer: Client, invited: Invited, store: Connection
) -> None:
    sku = await stocked(owner)
    order = await placed(owner, sku, buyer=ANN)
    path = f"{ORDERS}/{order['id']}/buyer"

    told = await owner.get(path)

    assert {name: told["buyer"][name] for name in ANN} == ANN
    for other in (producer, owner.as_(invited.token)):
        assert (await other.call("GET", path)).problem()[0] == 403
    assert (await producer.call("GET", f"{ORDERS}/{order['id']}")).status == 200
    assert (await owner.as_(invited.token).call("GET", ORDERS)).problem()[0] == 403
    kept = await Orders(store, float).get(OrderId(order["id"]))
    sealed = await Buyers(store, float).get(kept)
    assert sealed is not None
    assert sealed.startswith("gAAAA")  # a token of Fernet's
    assert "Ann" not in repr(kept)


async def test_an_order_without_a_buyer_has_none_to_show(owner: Client) -> None:
    order = await placed(owner, await stocked(owner))

    assert await owner.get(f"{ORDERS}/{order['id']}/buyer") == {"buyer": None}


async def test_a_producer_may_place_send_and_cancel(owner: Client, producer: Client) -> None:
    sku = await stocked(owner)
    order = await placed(producer, sku, 2, paid=True)

    one = {"lines": [{"line": "1", "units": 1}]}
    await producer.post(f"{ORDERS}/{order['id']}/fulfil", one)
    told = await producer.post(f"{ORDERS}/{order['id']}/cancel", one)

    assert (told["status"], told["lines"][0]["sent"], told["lines"][0]["cancelled"]) == (
        "IN_TRANSIT",
        1,
        1,
    )


async def test_the_history_of_stock_names_the_order(owner: Client) -> None:
    product = await owner.post(
        PRODUCTS,
        {"title": "Mug", "currency": "USD", "skus": [{"price": 1250, "on_hand": 5}]},
        201,
    )
    sku = product["skus"][0]
    order = await placed(owner, sku)

    path = f"{PRODUCTS}/{product['id']}/skus/{sku['id']}/stock/history"
    change = (await owner.get(path))["changes"][0]

    assert (change["order"], change["committed_delta"]) == (order["id"], 1)


async def test_orders_are_told_in_the_shops_events(owner: Client) -> None:
    sku = await stocked(owner)
    async with owner.events("/api/v1/events") as events:
        await events.next()
        order = await placed(owner, sku, buyer=ANN)
        assert await events.until("order", status="UNPAID") == order

        await owner.post(f"{ORDERS}/{order['id']}/pay")
        paid = await events.until("order", status="AWAITING_SHIPMENT")

    assert paid == await owner.get(f"{ORDERS}/{order['id']}")
