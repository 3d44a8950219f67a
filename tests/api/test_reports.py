"""Reports of what was sold, and which show each LIVE was."""

import asyncio
import csv
import io
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from mediaserver.settings import Settings, ShopSettings
from sync.connection import Connection
from sync.model import ProductId
from sync.orders.order import OWN_SHOP, Order, OrderStatus, RoomId
from sync.sales.rooms import Airing
from sync.store.stores import Stores
from tests.api.client import Client
from tests.api.conftest import SMALL, Invited
from tests.api.test_store_away import Redis
from tests.peers.rtmp_record import RtmpRecord
from tests.sync.sales.things import PLACED_AT, line, order

GMV = "/api/v1/reports/gmv"
LIVES = "/api/v1/reports/lives"
ROOM = RoomId("7300000000000000001")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, shop=ShopSettings(time_zone=ZoneInfo("Europe/Berlin")))


@pytest.fixture
def stores(store: Connection) -> Stores:
    return Stores(store, time.time)


async def keep(stores: Stores, *orders: Order) -> None:
    for each in orders:
        await stores.orders.save(each, [], by="test")


async def until(owner: Client, path: str, holds: Callable[[Any], bool]) -> Any:
    """The answer once it `holds`: what is stored is counted a moment later."""
    async with asyncio.timeout(30):
        while True:
            answer = await owner.call("GET", path)  # 503 after an outage
            if answer.status == 200 and holds(answer.json):
                return answer.json


async def counted(owner: Client, orders: int) -> None:
    await until(
        owner, GMV, lambda found: sum(total["orders"] for total in found["totals"]) == orders
    )


def figures(gmv: int, currency: str = "USD", **others: int) -> dict[str, Any]:
    """Of one order with one unit, unless said."""
    plain = {
        "currency": currency,
        "gross": gmv,
        "cancelled": 0,
        "gmv": gmv,
        "units": 1,
        "orders": 1,
        "returned": 0,
        "refunded": 0,
    }
    return plain | others


async def show_of(owner: Client, title: str = "Autumn") -> str:
    return str((await owner.post("/api/v1/shows", {"title": title}, 201))["id"])


async def test_sales_are_told_by_channel_with_totals_and_tiktoks_share(
    producer: Client, stores: Stores
) -> None:
    await keep(stores, order("1"), order("2", line(price=3750), channel=OWN_SHOP))
    await keep(stores, order("3", line(cancelled=1, units=2), currency="EUR"))
    await counted(producer, 3)

    assert await producer.get(GMV) == {
        "by": "channel",
        "time_zone": "Europe/Berlin",
        "from": None,
        "to": None,
        "rows": [
            {"channel": "tiktok"} | figures(1250, "EUR", gross=2500, cancelled=1250),
            {"channel": "shop"} | figures(3750),
            {"channel": "tiktok"} | figures(1250),
        ],
        "totals": [
            figures(1250, "EUR", gross=2500, cancelled=1250),
            figures(5000, units=2, orders=2),
        ],
        "tiktok_share": {"EUR": 1.0, "USD": 0.25},
    }


async def test_sales_are_told_by_show_product_and_hour(owner: Client, stores: Stores) -> None:
    show = await show_of(owner)
    vase = line(product=ProductId("p_vase"), title="Vase", price=9900)
    await keep(stores, order("1", show=show, channel=OWN_SHOP), order("2", vase))
    await counted(owner, 2)

    by_show = await owner.get(f"{GMV}?by=show")
    by_product = await owner.get(f"{GMV}?by=product")
    by_hour = await owner.get(f"{GMV}?by=hour")

    assert by_show["rows"] == [
        {"show": None, "title": None} | figures(9900),
        {"show": show, "title": "Autumn"} | figures(1250),
    ]
    assert by_product["rows"] == [
        {"product": "p_vase", "title": "Vase"} | figures(9900),
        {"product": "p_mug", "title": "Mug"} | figures(1250),
    ]
    assert by_hour["rows"] == [
        {"hour": "2027-01-15T09:00:00+01:00"} | figures(11150, units=2, orders=2)
    ]


async def test_a_cancellation_is_taken_back_once_however_often_it_is_told(
    owner: Client, stores: Stores
) -> None:
    await keep(stores, order("1"), order("2"))
    await counted(owner, 2)
    for later in (60, 120, 180):
        state = OrderStatus.CANCELLED
        cancelled = order("1", line(status=state, cancelled=1), status=state)
        await keep(stores, msgspec.structs.replace(cancelled, updated_at=PLACED_AT + later))
    await counted(owner, 1)

    (total,) = (await owner.get(GMV))["totals"]
    assert total == figures(1250, gross=2500, cancelled=1250)


@pytest.mark.parametrize(
    ("period", "orders"),
    [
        ("from=2027-01-15&to=2027-01-15", 2),
        ("from=2027-01-15", 2),
        ("from=2027-01-16", 0),
        ("to=2027-01-14", 0),
        ("to=2027-01-15T09:00", 0),
        ("from=2027-01-15T09:00&to=2027-01-15T09:00:01", 1),
        ("from=2027-01-15T08:00:01Z", 1),
        ("from=2027-01-15T09:00:00%2B01:00&to=2027-01-15T10:00", 2),
    ],
)
async def test_a_period_is_of_days_or_times_of_the_shops_clock(
    period: str, orders: int, owner: Client, stores: Stores
) -> None:
    await keep(stores, order("1"), order("2", created_at=PLACED_AT + 1))
    await counted(owner, 2)

    found = await owner.get(f"{GMV}?{period}")

    assert sum(total["orders"] for total in found["totals"]) == orders


async def test_the_answer_says_which_moments_it_is_of(owner: Client) -> None:
    found = await owner.get(f"{GMV}?from=2026-10-25&to=2026-10-25")

    assert (found["from"], found["to"]) == (
        "2026-10-25T00:00:00+02:00",
        "2026-10-26T00:00:00+01:00",
    )


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("by=day", "by: must be one of channel, show, product, hour, not 'day'"),
        ("format=xml", "format: must be one of json, csv, not 'xml'"),
        ("channel=market", "channel: must be one of tiktok, shop, not 'market'"),
        ("show=none", "show: there is no show 'none'"),
        ("until=2026-12-01", "until: there is no such parameter here: by, from, to, show"),
        ("from=2026-12-02&to=2026-12-01", "to: must be later than `from`"),
        ("from=2026-02-30", "from: is no day or time that there is: '2026-02-30'"),
        ("from=1970-01-01", "from: must be in the years 2000 to 2100"),
        ("to=tomorrow", "to: must be a day such as 2026-12-01 or a time such as"),
        ("to=2026-12-01T19:00:00+01:00", "to: has a blank where a + was meant"),
        ("from=2026-03-29T02:30", "from: clocks of Europe/Berlin were put forward over"),
    ],
)
async def test_what_cannot_be_asked_is_refused_by_name(
    query: str, detail: str, owner: Client
) -> None:
    status, said = (await owner.call("GET", f"{GMV}?{query}")).problem()

    assert (status, said[: len(detail)]) == (422, detail)


async def test_a_csv_has_the_same_rows_with_decimals_and_no_formula(
    owner: Client, stores: Stores
) -> None:
    evil = line(product=ProductId("p_evil"), title="=cmd|' /C calc'!A0", price=999)
    yen = order("2", line(product=None, units=2, price=500), currency="JPY")
    await keep(stores, order("1", evil), yen)
    await counted(owner, 2)

    answer = await owner.call("GET", f"{GMV}?by=product&format=csv")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="gmv-by-product.csv"'
    heading, *rows = csv.reader(io.StringIO(answer.body.decode()))
    assert heading == [
        *("product", "title", "currency", "gross", "cancelled", "gmv", "units", "orders"),
        *("returned", "refunded"),
    ]
    assert rows == [
        ["", "", "JPY", "1000", "0", "1000", "2", "1", "0", "0"],
        ["p_evil", "'=cmd|' /C calc'!A0", "USD", "9.99", "0.00", "9.99", "1", "1", "0", "0.00"],
    ]


async def test_a_csv_by_hour_and_by_channel_has_no_titles(owner: Client, stores: Stores) -> None:
    await keep(stores, order("1"))
    await counted(owner, 1)

    by_hour = await owner.call("GET", f"{GMV}?by=hour&format=csv")

    assert by_hour.body.decode() == (
        "hour,currency,gross,cancelled,gmv,units,orders,returned,refunded\r\n"
        "2027-01-15T09:00:00+01:00,USD,12.50,0.00,12.50,1,1,0,0.00\r\n"
    )


async def test_without_redis_a_report_says_when_to_come_again(
    owner: Client, stores: Stores, data_dir: Path
) -> None:
    await keep(stores, order("1"))
    await counted(owner, 1)
    redis = Redis(data_dir)
    redis.hang()
    try:
        await owner.call("GET", "/api/v1/products")  # finds Redis away
        answer = await owner.call("GET", GMV)
    finally:
        redis.go_on()

    assert answer.problem()[0] == 503
    await counted(owner, 1)


async def test_after_an_outage_of_redis_everything_is_counted_once(
    owner: Client, stores: Stores, data_dir: Path
) -> None:
    await keep(stores, order("1"))
    await counted(owner, 1)

    async with owner.events("/api/v1/events") as events:
        await events.next()
        Redis(data_dir).die()
        await events.until("state")  # it is back
    await keep(stores, order("1"), order("2"))
    await counted(owner, 2)


# ---- LIVEs


async def airing(stores: Stores, show: str, began_at: float, ended_at: float) -> None:
    live = Airing(f"a_{show}", show, "tok", began_at, ended_at, ended_at)
    await stores.airings.save([live], is_news=True)


async def test_a_live_is_the_show_that_was_live_on_tiktok_when_its_first_order_fell(
    owner: Client, stores: Stores
) -> None:
    autumn, winter = await show_of(owner), await show_of(owner, "Winter")
    late = order("1", line(room=ROOM), created_at=PLACED_AT + 50)
    before = order("2", line(room=RoomId("9"), price=100), created_at=PLACED_AT - 50)
    await keep(stores, late, before)
    await airing(stores, autumn, PLACED_AT + 40, PLACED_AT + 60)
    await airing(stores, winter, PLACED_AT + 10, PLACED_AT + 20)

    found = await until(owner, LIVES, lambda told: told["lives"] and told["lives"][0]["show"])

    assert found == {
        "lives": [
            {
                "room": ROOM,
                "show": autumn,
                "title": "Autumn",
                "confirmed": False,
                "candidates": [autumn],
                "first_order_at": "2027-01-15T08:00:50.000Z",
                "sales": [figures(1250)],
                "tiktok": None,
                "differs": None,
            },
            {
                "room": "9",
                "show": None,
                "title": None,
                "confirmed": False,
                "candidates": [],
                "first_order_at": "2027-01-15T07:59:10.000Z",
                "sales": [figures(100)],
                "tiktok": None,
                "differs": None,
            },
        ],
        "tiktok": {"at": None, "reason": "TikTok Shop is not connected"},
    }

    # TikTok tells of an earlier order, late: the room is the other show's
    await keep(stores, order("3", line(room=ROOM), created_at=PLACED_AT + 15))
    await until(owner, LIVES, lambda told: told["lives"][0]["show"] == winter)
    await until(owner, f"{GMV}?show={winter}", lambda told: told["totals"][0]["orders"] == 2)


async def test_a_producer_says_which_show_a_live_was(producer: Client, stores: Stores) -> None:
    autumn, winter = await show_of(producer), await show_of(producer, "Winter")
    await airing(stores, autumn, PLACED_AT, PLACED_AT + 1)
    await keep(stores, order("1", line(room=ROOM)))
    await until(producer, LIVES, lambda told: told["lives"] and told["lives"][0]["show"])

    told = await producer.put(f"{LIVES}/{ROOM}", {"show": winter})

    assert (told["show"], told["title"], told["confirmed"]) == (winter, "Winter", True)
    assert told["candidates"] == [autumn]
    assert (await producer.get(f"{GMV}?by=show"))["rows"] == [
        {"show": winter, "title": "Winter"} | figures(1250)
    ]

    told = await producer.put(f"{LIVES}/{ROOM}", {"show": None})
    assert (told["show"], told["confirmed"]) == (None, True)
    assert (await producer.get(f"{GMV}?show={winter}"))["rows"] == []


async def test_only_a_live_and_a_show_that_there_are_can_be_said(
    owner: Client, stores: Stores
) -> None:
    missing = await owner.call("PUT", f"{LIVES}/{ROOM}", {"show": None})
    await keep(stores, order("1", line(room=ROOM)))
    await until(owner, LIVES, lambda told: told["lives"])
    nobodys = await owner.call("PUT", f"{LIVES}/{ROOM}", {"show": "none"})
    unsaid = await owner.call("PUT", f"{LIVES}/{ROOM}", {})

    assert missing.problem()[0] == 404
    assert nobodys.problem() == (422, "show: there is no show 'none'")
    assert unsaid.problem()[0] == 422


async def test_lives_are_asked_for_by_the_time_of_their_first_order(
    owner: Client, stores: Stores
) -> None:
    later = order("2", line(room=RoomId("9")), created_at=PLACED_AT + 86_400)
    await keep(stores, order("1", line(room=ROOM)), later)
    await until(owner, LIVES, lambda told: len(told["lives"]) == 2)

    found = await owner.get(f"{LIVES}?from=2027-01-16")

    assert [live["room"] for live in found["lives"]] == ["9"]


# ---- a show


async def test_what_a_show_has_sold_is_told_in_its_events(owner: Client, stores: Stores) -> None:
    show = await show_of(owner)
    path = f"/api/v1/shows/{show}"
    async with owner.events(f"{path}/events") as events:
        _, _, state = await events.next()
        assert state["sales"] == {"channels": [], "totals": [], "tiktok_share": {}}

        await keep(stores, order("1", show=show, channel=OWN_SHOP), order("2"))
        told = await events.until("sales")
        assert told == {
            "channels": [{"channel": "shop"} | figures(1250)],
            "totals": [figures(1250)],
            "tiktok_share": {"USD": 0.0},
        }

        await keep(stores, order("3", line(room=ROOM, price=3750)))
        await until(owner, LIVES, lambda found: found["lives"])
        await owner.put(f"{LIVES}/{ROOM}", {"show": show})
        told = await events.until("sales")
        assert told["totals"] == [figures(5000, units=2, orders=2)]
        assert told["tiktok_share"] == {"USD": 0.75}

    assert (await owner.get(path))["sales"] == told


async def test_hosts_are_not_told_what_a_show_sells(
    owner: Client, invited: Invited, stores: Stores
) -> None:
    async with owner.as_(invited.token).events(f"{invited.feed_path}/events") as events:
        _, _, state = await events.next()
        assert "sales" not in state

        await keep(stores, order("1", show=invited.show, channel=OWN_SHOP))
        await until(owner, invited.path, lambda show: show["sales"]["totals"])
        await owner.patch(invited.path, {"title": "Winter"})
        _, kind, _ = await events.next()
        assert kind == "show"


async def on_tiktok(owner: Client, path: str, destination: RtmpRecord) -> None:
    """The show on air, its target live."""
    target = {"platform": "tiktok", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{path}/targets", target, 201)
    async with owner.events(f"{path}/events") as events:
        await owner.post(f"{path}/start")
        await events.until("target", status="live")


async def test_a_show_on_air_on_tiktok_has_the_room_whose_orders_fall_meanwhile(
    owner: Client, invited: Invited, stores: Stores, destination: RtmpRecord
) -> None:
    body = {"title": "Elsewhere", "canvases": {"landscape": SMALL}}
    elsewhere = await owner.post("/api/v1/shows", body, 201)
    target = {"platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"/api/v1/shows/{elsewhere['id']}/targets", target, 201)
    await owner.post(f"/api/v1/shows/{elsewhere['id']}/start")
    await on_tiktok(owner, invited.path, destination)
    during = time.time()
    await owner.post(f"{invited.path}/end")
    after = time.time()

    # TikTok tells of them when everything is over
    await keep(stores, order("1", line(room=ROOM), created_at=during))
    await keep(stores, order("2", line(room=RoomId("9")), created_at=after + 60))
    await until(
        owner,
        LIVES,
        lambda told: [live["show"] for live in told["lives"]] == [None, invited.show],
    )
    assert (await owner.get(f"{GMV}?show={invited.show}"))["totals"] == [figures(1250)]
