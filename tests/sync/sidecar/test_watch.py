"""Searches for more than TikTok gives at once, and how much they ask."""

import pytest

from sync.model import Image
from sync.tiktok import wire
from tests.sync.sidecar.rig import Rig


async def test_a_search_that_finds_too_much_is_divided_by_time(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MOST_FOUND", 5)
    await rig.control.tamper(lose=1000)
    image = Image("https://pictures.example/same")
    for number in range(16):
        await rig.add(f"mug{number}", images=(image,))
        await rig.wait(1.0)
        await rig.sidecar().cycle()
    await rig.wait(5 * 3600.0)
    await rig.sidecar().cycle()
    listings = await rig.stores.listings.many(list(await rig.stores.listings.ids()))
    assert {each.status for each in listings.values()} == {"ACTIVATE"}
    ages = [rig.now() - (each.verdict_at or 0.0) for each in listings.values()]
    assert len(ages) == 16
    assert max(ages) < 60.0


async def test_many_hints_are_followed_by_one_search(rig: Rig) -> None:
    image = Image("https://pictures.example/same")
    for number in range(20):
        await rig.add(f"mug{number}", images=(image,))
    sidecar = rig.sidecar()
    await sidecar.cycle()
    await rig.control.forget_requests()
    await rig.wait(6.0)
    await sidecar.cycle()
    assert (await rig.control.requests()).keys() == {"search_products"}
    assert await rig.stores.hints.all() == {}


async def test_a_webhook_of_what_we_do_not_know_is_looked_into_later(rig: Rig) -> None:
    product = await rig.add("mug")
    await rig.control.fail("close_after", "create_product", times=100)
    sidecar = rig.sidecar()
    await sidecar.cycle()
    assert (await rig.listing(product.id)).remote_id is None
    await rig.set_channel(auto_sync=False)
    await rig.control.clear_faults()
    await rig.cycles(sidecar, 3)
    assert (await rig.listing(product.id)).remote_id == (await rig.there())[0]["id"]
