"""Badges as a real Redis has what they rest on."""

import pytest

from sync.connection import Connection
from sync.model import TIKTOK, Badge, CategoryRules, ChannelId, ProductId, SkuId
from tests.sync.now import Now
from tests.sync.selling import CATEGORY, CERTIFIED
from tests.sync.shop import Shop

OWN = ChannelId("shop")
MUG = ProductId("p_mug")


@pytest.fixture
async def shop(connection: Connection, now: Now) -> Shop:
    shop = Shop(connection, now)
    await shop.open()
    return shop


async def badge(shop: Shop, product: ProductId = MUG, channel: ChannelId = TIKTOK) -> Badge:
    return (await shop.badges.of([product], [channel]))[product][channel]


async def test_each_product_has_a_badge_for_each_channel(shop: Shop) -> None:
    mug, cup = await shop.stocked_many(["mug", "cup"])
    await shop.on_sale(mug)

    found = await shop.badges.of([mug, cup, ProductId("p_gone")], [TIKTOK, OWN])

    assert {product: {c: b.colour for c, b in of.items()} for product, of in found.items()} == {
        mug: {TIKTOK: "green", OWN: "green"},
        cup: {TIKTOK: "amber", OWN: "green"},
    }


async def test_a_badge_follows_whatever_it_rests_on(shop: Shop, now: Now) -> None:
    mug = await shop.stocked("mug")
    assert [r.code for r in (await badge(shop)).reasons] == ["not_listed"]

    await shop.on_sale(mug)
    assert (await badge(shop)).colour == "green"

    await shop.stores.stocks.adjust(SkuId("s_mug"), -5, by="test", reason="sold")
    assert (await badge(shop)).sold_out
    assert (await badge(shop, channel=OWN)).sold_out

    await shop.tell(kyc_pending=True)
    assert (await badge(shop)).colour == "amber"
    await shop.tell(kyc_pending=False)

    await shop.judged(mug, status="FREEZE")
    assert (await badge(shop)).colour == "red"

    await shop.on_sale(mug)
    now.advance(6 * 3600)
    assert (await badge(shop)).colour == "grey"


async def test_categories_are_kept_until_they_are_said_to_have_changed(
    shop: Shop, now: Now
) -> None:
    await shop.on_sale(await shop.stocked("mug"))
    assert (await badge(shop)).colour == "green"

    rules = CategoryRules(CATEGORY.id, CERTIFIED.certifications, now())
    await shop.rules(rules)
    assert (await badge(shop)).colour == "green"
    shop.badges.forget_categories()

    assert [r.code for r in (await badge(shop)).reasons][:1] == ["certification_missing"]


async def test_a_shop_that_was_never_connected_has_grey_badges(
    connection: Connection, now: Now
) -> None:
    shop = Shop(connection, now)
    await shop.stocked("mug")

    found = await badge(shop)

    assert found.colour == "grey"
    assert [reason.code for reason in found.reasons] == [
        *("not_connected", "images_waiting", "not_listed"),
    ]
