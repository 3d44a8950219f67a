"""What a sidecar does at TikTok for what is changed here: seen in the sandbox, change by change."""

import contextlib
from typing import Any

import msgspec
import pytest

from sync.model import TIKTOK, Image, Product, ProductId, RemoteShop, Sku, SkuId, StockPolicy
from sync.sandbox.audit import Verdict
from sync.sidecar.hearing import SEARCH_EVERY_S
from sync.store.lease import LeaseLost
from sync.tiktok.errors import Refused
from tests.sync.sidecar.rig import AUDIT_S, MUGS, VASES, Rig


async def listed(rig: Rig, name: str = "mug") -> Product:
    """A product that TikTok has approved, and no request counted yet."""
    product = await rig.add(name)
    await rig.cycles(rig.sidecar())
    assert (await rig.listing(product.id)).status == "ACTIVATE"
    await rig.control.forget_requests()
    return product


async def done(rig: Rig) -> dict[str, int]:
    """The requests that changed something, by what they were."""
    counted = await rig.control.requests()
    reading = ("search_", "get_", "categor", "prerequisites", "unknown")
    return {
        name: sum(codes.values()) for name, codes in counted.items() if not name.startswith(reading)
    }


async def test_a_product_is_at_tiktok_after_one_cycle(rig: Rig) -> None:
    product = await rig.add("mug")
    await rig.sidecar().cycle()
    [there] = await rig.there()
    assert there["title"] == "The mug"
    assert there["external_product_id"] == product.id
    assert there["category_id"] == "600154"
    assert [(sku["price"], sku["available"]) for sku in there["skus"]] == [("12.50", 5)]
    assert (await rig.listing(product.id)).remote_id == there["id"]


async def test_a_cold_product_costs_two_requests(rig: Rig) -> None:
    for number in range(5):
        await rig.add(f"mug{number}")
    await rig.sidecar().cycle()
    assert await done(rig) == {"upload_image": 5, "create_product": 5}


async def test_one_picture_of_many_products_is_uploaded_once(rig: Rig) -> None:
    image = Image("https://pictures.example/same")
    for number in range(3):
        await rig.add(f"mug{number}", images=(image,))
    await rig.sidecar().cycle()
    assert await done(rig) == {"upload_image": 1, "create_product": 3}


@pytest.mark.parametrize("count", [3, 30])
async def test_a_cycle_with_nothing_changed_costs_a_constant_number_of_requests(
    rig: Rig, count: int
) -> None:
    for number in range(count):
        await rig.add(f"mug{number}")
    sidecar = rig.sidecar()
    await rig.cycles(sidecar, 3)
    await rig.control.forget_requests()
    await rig.cycles(sidecar, 3)
    counted = await rig.control.requests()
    counted.pop("search_returns", None)
    assert counted == {"search_products": {"0": 3}, "search_orders": {"0": 3}}


async def test_verdicts_come_by_search_when_every_webhook_is_lost(rig: Rig) -> None:
    product = await rig.add("mug")
    await rig.control.tamper(lose=1000)
    await rig.cycles(rig.sidecar())
    listing = await rig.listing(product.id)
    assert (listing.status, listing.audit) == ("ACTIVATE", "APPROVED")
    assert listing.verdict_at is not None


async def test_a_webhook_brings_the_verdict_before_the_next_search(rig: Rig) -> None:
    product = await rig.add("mug")
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    remote = (await rig.listing(product.id)).remote_id
    assert remote is not None
    await rig.control.forget_requests()
    await rig.control.product(remote, status="FREEZE", reason="a complaint")
    await rig.wait(1.0)
    await sidecar.cycle()
    assert (await rig.listing(product.id)).status == "FREEZE"


async def test_what_tiktok_refuses_is_told_with_its_reasons(rig: Rig) -> None:
    await rig.control.audits(verdicts=[Verdict("FAILED", ("The picture is blurred.",))])
    product = await rig.add("mug")
    await rig.cycles(rig.sidecar())
    listing = await rig.listing(product.id)
    assert listing.status == "FAILED"
    assert any("blurred" in reason for reason in listing.reasons)


async def test_what_was_refused_is_sent_again_when_it_was_changed(rig: Rig) -> None:
    await rig.control.audits(verdicts=[Verdict("FAILED", ("No.",), title="bad")])
    product = await rig.add("mug", title="A bad mug")
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    await rig.edit(product.id, title="A good mug")
    await rig.cycles(sidecar)
    assert (await rig.listing(product.id)).status == "ACTIVATE"
    assert [each["title"] for each in await rig.there()] == ["A good mug"]


async def test_another_title_is_one_request(rig: Rig) -> None:
    product = await listed(rig)
    await rig.edit(product.id, title="Another mug")
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    assert await done(rig) == {"partial_edit_product": 1}
    assert [each["title"] for each in await rig.there()] == ["Another mug"]


async def test_another_price_is_set_without_another_audit(rig: Rig) -> None:
    product = await listed(rig)
    [sku] = product.skus
    await rig.edit(product.id, skus=(msgspec.structs.replace(sku, price=999),))
    await rig.sidecar().cycle()
    assert await done(rig) == {"update_prices": 1}
    [there] = await rig.there()
    assert (there["skus"][0]["price"], there["audit"]) == ("9.99", "APPROVED")


async def test_a_price_locked_by_a_promotion_is_tried_again_and_the_rest_goes_on(rig: Rig) -> None:
    product = await listed(rig)
    remote = (await rig.listing(product.id)).remote_id
    assert remote is not None
    await rig.control.product(remote, on_promotion=True)
    [sku] = product.skus
    await rig.edit(product.id, skus=(msgspec.structs.replace(sku, price=999),))
    sidecar = rig.sidecar()
    await sidecar.cycle()
    failure = (await rig.listing(product.id)).failure
    assert failure is not None
    assert "promotion" in failure.message
    await rig.lower(sku.id, 2, sidecar)
    await sidecar.cycle()
    assert (await rig.there())[0]["skus"][0]["available"] == 2
    [failed] = (await rig.progress()).failures
    assert (failed.product, failed.tries) == (product.id, 1)
    await rig.control.product(remote, on_promotion=False)
    await rig.cycles(sidecar)
    assert (await rig.there())[0]["skus"][0]["price"] == "9.99"
    assert (await rig.listing(product.id)).failure is None
    assert (await rig.progress()).failures == ()


async def test_other_stock_of_a_shop_without_escrow_is_one_request(rig: Rig) -> None:
    await rig.set_channel(stock=StockPolicy("buffered"))
    product = await listed(rig)
    await rig.stock(product.skus[0].id, 3)
    await rig.sidecar().cycle()
    assert await done(rig) == {"update_inventory": 1}
    assert (await rig.there())[0]["skus"][0]["available"] == 3


async def test_a_new_variant_is_there_with_its_stock(rig: Rig) -> None:
    product = await listed(rig)
    [sku] = product.skus
    await rig.edit(
        product.id,
        options=("Color",),
        skus=(
            msgspec.structs.replace(sku, options=("Red",)),
            Sku(SkuId("s_blue"), 1500, "BLUE", ("Blue",)),
        ),
    )
    await rig.stock(SkuId("s_blue"), 7)
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    [there] = await rig.there()
    assert {each["seller_sku"]: each["available"] for each in there["skus"]} == {
        "MUG": 5,
        "BLUE": 7,
    }


async def test_a_product_left_out_loses_its_stock_and_is_deactivated(rig: Rig) -> None:
    product = await listed(rig)
    await rig.edit(product.id, left_out=(TIKTOK,))
    await rig.sidecar().cycle()
    [there] = await rig.there()
    assert (there["status"], there["skus"][0]["available"]) == ("SELLER_DEACTIVATED", 0)
    assert (await rig.progress()).left_out == 1


async def test_a_product_left_out_for_a_while_is_activated_again(rig: Rig) -> None:
    product = await listed(rig)
    sidecar = rig.sidecar()
    await rig.edit(product.id, left_out=(TIKTOK,))
    await rig.cycles(sidecar)
    await rig.edit(product.id, left_out=())
    await rig.cycles(sidecar)
    [there] = await rig.there()
    assert (there["status"], there["skus"][0]["available"]) == ("ACTIVATE", 5)


async def test_nothing_is_deactivated_while_a_show_is_on_air(rig: Rig) -> None:
    product = await listed(rig)
    rig.on_air = True
    sidecar = rig.sidecar()
    await rig.edit(product.id, status="archived")
    await rig.cycles(sidecar)
    [there] = await rig.there()
    assert (there["status"], there["skus"][0]["available"]) == ("ACTIVATE", 0)
    rig.on_air = False
    await sidecar.cycle()
    [there] = await rig.there()
    assert there["status"] == "SELLER_DEACTIVATED"


async def test_a_deleted_product_is_deleted_at_tiktok_and_forgotten(rig: Rig) -> None:
    product = await listed(rig)
    await rig.stores.products.delete(product)
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    assert await rig.there() == []
    assert await rig.stores.listings.get(product.id) is None
    assert await rig.progress() == msgspec.structs.replace(
        await rig.progress(), done=0, waiting=0, failed=0, left_out=0
    )


async def test_a_product_with_a_fault_of_its_own_is_not_sent(rig: Rig) -> None:
    await rig.add("mug", title="")
    await rig.sidecar().cycle()
    assert await rig.there() == []
    assert (await rig.progress()).left_out == 1


async def test_a_listed_product_that_gets_a_fault_has_no_stock_there(rig: Rig) -> None:
    product = await listed(rig)
    await rig.edit(product.id, description="")
    await rig.sidecar().cycle()
    [there] = await rig.there()
    assert (there["status"], there["skus"][0]["available"]) == ("ACTIVATE", 0)


async def test_a_product_waits_for_its_pictures(rig: Rig) -> None:
    product = await rig.add("mug")
    [url] = rig.pictures.records
    record = rig.pictures.records.pop(url)
    sidecar = rig.sidecar()
    await sidecar.cycle()
    assert await rig.there() == []
    assert (await rig.progress()).waiting == 1
    rig.pictures.records[url] = record
    await rig.stores.dirty.mark([product.id])
    await sidecar.cycle()
    assert len(await rig.there()) == 1


async def test_another_category_of_its_type_is_sent(rig: Rig) -> None:
    await listed(rig)
    await rig.stores.categories.save_mapping({"mug": VASES})
    await rig.cycles(rig.sidecar())
    assert [each["category_id"] for each in await rig.there()] == [VASES]


async def test_without_automatic_sync_nothing_is_sent_but_verdicts_are_read(rig: Rig) -> None:
    product = await rig.add("mug")
    sidecar = rig.sidecar()
    await sidecar.cycle()
    await rig.set_channel(auto_sync=False)
    await rig.edit(product.id, title="Another mug")
    await rig.add("other")
    await rig.control.forget_requests()
    await rig.cycles(sidecar)
    assert await done(rig) == {}
    assert (await rig.listing(product.id)).status == "ACTIVATE"
    assert (await rig.progress()).paused == "automatic sync is off"
    await rig.set_channel(auto_sync=True)
    await rig.cycles(sidecar)
    assert sorted(each["title"] for each in await rig.there()) == ["Another mug", "The other"]


async def test_the_tiers_limit_is_kept_and_the_rundown_comes_first(rig: Rig) -> None:
    await rig.set_channel(tier="beginner")
    for number in range(103):
        await rig.add(f"mug{number:03}", images=(Image("https://pictures.example/same"),))
    sidecar = rig.sidecar()
    await sidecar.cycle()
    assert len(await rig.there()) == 100
    last = ProductId("p_mug102")
    assert "may list 100" in (await rig.listing(last)).left_out
    rig.rundown = [last]
    await rig.cycles(sidecar)
    statuses = [each["status"] for each in await rig.there()]
    assert statuses.count("SELLER_DEACTIVATED") == 1
    assert statuses.count("ACTIVATE") == 100
    listing = await rig.listing(last)
    assert (listing.status, listing.left_out) == ("ACTIVATE", "")


async def test_a_rundown_displaces_nothing_while_a_show_is_on_air(rig: Rig) -> None:
    await rig.set_channel(tier="beginner")
    for number in range(101):
        await rig.add(f"mug{number:03}", images=(Image("https://pictures.example/same"),))
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    rig.on_air = True
    rig.rundown = [ProductId("p_mug100")]
    await rig.cycles(sidecar)
    assert {each["status"] for each in await rig.there()} == {"ACTIVATE"}
    rig.on_air = False
    await rig.cycles(sidecar)
    assert (await rig.listing(ProductId("p_mug100"))).status == "ACTIVATE"


async def test_an_unknown_status_is_kept_and_hinders_nothing(rig: Rig) -> None:
    await rig.set_channel(stock=StockPolicy("buffered"))
    product = await rig.add("mug")
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    await rig.control.schema(replace={"status": "QUARANTINED"})
    await rig.stock(product.skus[0].id, 1)
    await rig.wait(5 * 3600.0)
    await sidecar.cycle()
    assert (await rig.listing(product.id)).status == "QUARANTINED"
    assert (await rig.there())[0]["skus"][0]["available"] == 1


async def test_a_renamed_field_takes_no_product_for_deleted(rig: Rig) -> None:
    product = await listed(rig)
    await rig.control.schema(rename={"status": "state"})
    await rig.wait(5 * 3600.0)
    await rig.sidecar().cycle()
    assert (await rig.listing(product.id)).status == "ACTIVATE"


async def test_what_tiktok_no_longer_has_is_known_after_a_search_for_everything(rig: Rig) -> None:
    product = await listed(rig)
    catalogue = rig.sandbox.world.market(None).catalogue
    catalogue.by_id.clear()
    catalogue._order.clear()
    await rig.wait(5 * 3600.0)
    await rig.sidecar().cycle()
    assert (await rig.listing(product.id)).status == "DELETED"


async def test_orders_of_the_day_are_counted_for_the_tier(rig: Rig) -> None:
    product = await listed(rig)
    await rig.set_channel(tier="beginner")
    [sku] = (await rig.listing(product.id)).remote_skus.values()
    for _ in range(2):
        await rig.control.buy(sku)
    await rig.wait(AUDIT_S)
    await rig.sidecar().cycle()
    record = await rig.stores.channels.get(TIKTOK)
    assert (record.orders_day, record.orders_count) == ("2027-01-15", 2)


async def test_expired_tokens_are_renewed_on_the_way(rig: Rig) -> None:
    await rig.control.expire_tokens()
    await rig.add("mug")
    await rig.sidecar().cycle()
    assert len(await rig.there()) == 1


async def test_nothing_is_tried_while_the_seller_has_taken_back_the_permission(rig: Rig) -> None:
    await rig.control.deauthorize("cedar")
    for number in range(3):
        await rig.add(f"mug{number}")
    sidecar = rig.sidecar()
    await sidecar.cycle()
    assert (await rig.progress()).paused != ""
    await rig.connect()
    await sidecar.cycle()
    await rig.wait(61.0)
    await sidecar.cycle()
    assert len(await rig.there()) == 3


async def test_a_product_refused_at_first_is_tried_again_each_time_later(rig: Rig) -> None:
    await rig.control.shop(failing={"PICKUP_WAREHOUSE": ["There is none."]})
    product = await rig.add("mug")
    sidecar = rig.sidecar()
    await sidecar.cycle()
    for tries, pause_s in ((1, 60.0), (2, 120.0), (3, 240.0)):
        failure = (await rig.listing(product.id)).failure
        assert failure is not None
        assert (failure.tries, failure.message) == (tries, "There is none.")
        await rig.wait(pause_s - 1.0)
        await sidecar.cycle()
        again = (await rig.listing(product.id)).failure
        assert again == failure
        await rig.wait(1.0)
        await sidecar.cycle()
    await rig.control.shop(failing={})
    await rig.wait(480.0)
    await sidecar.cycle()
    assert len(await rig.there()) == 1
    assert (await rig.listing(product.id)).failure is None


@pytest.mark.parametrize("kind", ["close_after", "close_before", "timeout", "error_503"])
async def test_a_create_that_fails_on_its_way_makes_one_product(rig: Rig, kind: str) -> None:
    product = await rig.add("mug")
    await rig.control.fail(kind, "create_product", times=2)  # type: ignore[arg-type]
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    [there] = await rig.there()
    assert (await rig.listing(product.id)).remote_id == there["id"]


async def test_only_the_skus_that_failed_are_tried_again(rig: Rig) -> None:
    await rig.set_channel(stock=StockPolicy("buffered"))
    skus = (Sku(SkuId("s_red"), 100, "RED", ("Red",)), Sku(SkuId("s_blue"), 100, "BLUE", ("Blue",)))
    product = await rig.add("mug", options=("Color",), skus=skus)
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    remote = rig.sandbox.world.market(None).catalogue
    [there] = remote.by_id.values()
    blue = (await rig.listing(product.id)).remote_skus[SkuId("s_blue")]
    kept = there.stock.pop(blue)  # type: ignore[call-overload]
    await rig.stock(SkuId("s_red"), 1)
    await rig.stock(SkuId("s_blue"), 2)
    await sidecar.cycle()
    listing = await rig.listing(product.id)
    assert listing.stocks == {SkuId("s_red"): 1}
    assert listing.sku_faults.keys() == {SkuId("s_blue")}
    there.stock[blue] = kept  # type: ignore[index]
    await rig.wait(60.0)
    await sidecar.cycle()
    assert (await rig.listing(product.id)).stocks == {SkuId("s_red"): 1, SkuId("s_blue"): 2}
    assert (await rig.listing(product.id)).sku_faults == {}


async def test_a_picture_that_another_server_has_is_fetched_here_once_more(rig: Rig) -> None:
    await rig.add("mug")
    rig.pictures.files.clear()
    sidecar = rig.sidecar()
    await sidecar.cycle()
    assert await rig.there() == []
    await rig.cycles(sidecar)
    assert len(await rig.there()) == 1


async def test_a_shop_outside_the_us_sells_in_the_other_category_tree(rig: Rig) -> None:
    [british] = [each for each in rig.sandbox.world.markets.values() if each.shop.region == "GB"]
    await rig.connect("harbour", british.shop.id)
    product = await rig.add("mug", currency="GBP")
    await rig.cycles(rig.sidecar())
    assert (await rig.listing(product.id)).status == "ACTIVATE"
    await rig.edit(product.id, title="Another")
    await rig.cycles(rig.sidecar())
    [there] = await rig.control.products(british.shop.id)
    assert there["title"] == "Another"


async def test_a_shop_that_comes_back_after_another_has_each_product_once(rig: Rig) -> None:
    kept, gone = await listed(rig, "kept"), await listed(rig, "gone")
    [british] = [each for each in rig.sandbox.world.markets.values() if each.shop.region == "GB"]
    await rig.connect("harbour", british.shop.id)
    await rig.cycles(rig.sidecar())
    await rig.stores.products.delete(gone)
    await rig.edit(kept.id, title="Another")
    await rig.control.forget_requests()
    await rig.connect("cedar")
    await rig.cycles(rig.sidecar())
    [there] = await rig.there()
    assert there["title"] == "Another"
    assert (await rig.listing(kept.id)).remote_id == there["id"]
    assert "create_product" not in await done(rig)


async def test_a_category_whose_rules_tiktok_refuses_holds_up_no_other(rig: Rig) -> None:
    await rig.stores.categories.save_mapping(
        {"Kitchen": "600024", "Mug": MUGS}
    )  # a group has no rules
    await listed(rig)

    assert list(await rig.stores.categories.rules()) == [MUGS]


async def test_what_tiktok_does_not_tell_of_its_categories_is_said_as_long_as_products_wait(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.add("mug")
    sidecar = rig.sidecar()

    async def refused(*arguments: Any, **options: Any) -> Any:
        raise Refused("the category version is unknown")

    with monkeypatch.context() as patched:
        patched.setattr(rig.tiktok, "categories", refused)
        await sidecar.cycle()
        assert (await rig.progress()).paused == (
            "no product can be listed: TikTok does not tell its categories "
            "(the category version is unknown); it is asked again"
        )
    with monkeypatch.context() as patched:
        patched.setattr(rig.tiktok, "category_rules", refused)
        await rig.wait(SEARCH_EVERY_S)
        await sidecar.cycle()
        assert f"for {MUGS} (the category version is unknown)" in (await rig.progress()).paused
    await rig.wait(SEARCH_EVERY_S)
    await rig.cycles(sidecar)
    assert (await rig.progress()).paused == ""
    assert len(await rig.there()) == 1


async def test_orders_counted_for_a_shop_that_is_no_more_connected_are_nobodys(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    sidecar = rig.sidecar()
    await sidecar.cycle()
    await rig.set_channel(tier="beginner", orders_day="2027-01-15", orders_count=7)
    await sidecar.cycle()
    other = RemoteShop("749", "Another", "US", "cipher")
    count = rig.tiktok.search_orders

    async def counted(*arguments: Any, **options: Any) -> Any:
        found = await count(*arguments, **options)
        await rig.set_channel(shop=other, orders_day="", orders_count=0)
        return found

    monkeypatch.setattr(rig.tiktok, "search_orders", counted)
    await rig.wait(SEARCH_EVERY_S)
    with contextlib.suppress(LeaseLost):
        await sidecar.cycle()

    record = await rig.stores.channels.get(TIKTOK)
    assert (record.shop, record.orders_day, record.orders_count) == (other, "", 0)
