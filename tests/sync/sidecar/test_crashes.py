"""A sidecar that ends at any moment, two of them at a time: nothing is lost and nothing doubled."""

import pytest

from sync.model import Listing, ProductId
from sync.store.lease import Lease, LeaseLost
from tests.sync.sidecar.crashing import Crashed, crashing
from tests.sync.sidecar.rig import Rig


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_crash_at_any_call_leads_to_the_same_products(rig: Rig, after: bool) -> None:
    mended: list[int] = []
    for at in range(1, 61):
        name = f"mug{at}"
        product = await rig.add(name)
        try:
            async with crashing(rig, at, after=after):
                await rig.cycles(rig.sidecar())
        except Crashed:
            mended.append(at)
        await rig.wait(61.0)
        await rig.cycles(rig.sidecar(), 3)
        there = [each for each in await rig.there() if each["external_product_id"] == product.id]
        assert [each["status"] for each in there] == ["ACTIVATE"]
        assert (await rig.listing(product.id)).remote_id == there[0]["id"]
        await rig.stores.products.delete(product)
        await rig.cycles(rig.sidecar(), 2)
        assert await rig.there() == []
    assert len(mended) > 30


async def test_a_server_that_slept_through_its_lease_writes_nothing(rig: Rig) -> None:
    product = await rig.add("mug")
    first, second = rig.sidecar("first"), rig.sidecar("second")
    assert await first.cycle()
    assert not await second.cycle()
    await rig.connection.asked(lambda: rig.connection.redis.delete("shopcast:{shop}:lease:sync"))
    assert await second.cycle()
    await rig.edit(product.id, title="Another mug")
    with pytest.raises(LeaseLost):
        await first.cycle()
    assert not await first.cycle()
    before = await rig.listing(product.id)
    with pytest.raises(LeaseLost):
        await rig.stores.listings.save([Listing(product.id, "stolen")], fence=1)  # type: ignore[arg-type]
    assert await rig.listing(product.id) == before


async def test_a_lease_that_ran_out_goes_on_if_nobody_has_taken_it(rig: Rig) -> None:
    lease = Lease(rig.connection, holder="first")
    fence = await lease.acquire()
    assert fence is not None
    await rig.connection.asked(lambda: rig.connection.redis.delete("shopcast:{shop}:lease:sync"))
    await lease.renew(fence)
    assert await Lease(rig.connection, holder="second").acquire() is None


async def test_a_product_created_for_nobody_is_found_by_its_id(rig: Rig) -> None:
    """Its key may be too old to find it by: then the search does, before it is made again."""
    product = await rig.add("mug")
    await rig.control.fail("close_after", "create_product")
    sidecar = rig.sidecar()
    await sidecar.cycle()
    [there] = await rig.there()
    await rig.stores.products.delete(product)
    await rig.cycles(sidecar, 8)
    assert (await rig.control.products())[0]["status"] == "DELETED"
    assert there["id"] == (await rig.control.products())[0]["id"]
    assert await rig.stores.listings.get(ProductId("p_mug")) is None


async def test_what_others_list_in_the_shop_is_left_alone(rig: Rig) -> None:
    product = await rig.add("mug")
    sidecar = rig.sidecar()
    await rig.cycles(sidecar)
    [ours] = rig.sandbox.world.market(None).catalogue.by_id.values()
    assert ours.content.external_product_id == product.id
    await rig.connection.asked(rig.connection.redis.flushall)
    await rig.connect()
    await rig.cycles(rig.sidecar(), 4)
    [there] = await rig.there()
    assert there["status"] == "ACTIVATE"
    assert there["skus"][0]["available"] == 5


async def test_the_products_of_a_store_that_was_lost_are_found_again(rig: Rig) -> None:
    await rig.add("mug")
    await rig.cycles(rig.sidecar())
    await rig.connection.asked(rig.connection.redis.flushall)
    await rig.connect(auto_sync=False)
    product = await rig.add("mug", title="The same mug")
    sidecar = rig.sidecar()
    await rig.cycles(sidecar, 3)
    await rig.set_channel(auto_sync=True)
    await rig.cycles(sidecar, 3)
    [there] = await rig.there()
    assert there["title"] == "The same mug"
    assert (await rig.listing(product.id)).remote_id == there["id"]
