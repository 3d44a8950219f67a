"""Which products the sidecar has to look at."""

from sync.model import ProductId
from sync.store.dirty import Dirty
from sync.store.products import Products
from tests.sync.things import product

MUG, POT = ProductId("p_mug"), ProductId("p_pot")


async def test_what_was_looked_at_is_struck_off(dirty: Dirty, products: Products) -> None:
    await products.save(product(), None, by="owner")
    await dirty.mark([MUG, POT])

    changes = await dirty.all()
    assert changes == {MUG: 2, POT: 1}
    await dirty.seen(changes)
    assert await dirty.all() == {}


async def test_a_change_that_comes_while_it_is_looked_at_stays(
    dirty: Dirty, products: Products
) -> None:
    base = await products.save(product(), None, by="owner")
    await dirty.mark([POT])
    changes = await dirty.all()
    await products.save(product(title="A cup"), base, by="owner")

    await dirty.seen(changes)

    assert await dirty.all() == {MUG: 2}
    await dirty.seen({})
    assert await dirty.all() == {MUG: 2}
