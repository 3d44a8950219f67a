"""Orders of a shop at TikTok while another one is connected, and when it is back."""

from sync.model import TIKTOK
from sync.store.lease import Lease
from tests.sync.orders.market import Market


async def connect(market: Market, seller: str, shop_id: str) -> None:
    """The lease is taken anew: another shop ends the one there was."""
    await market.rig.connect(seller, shop_id)
    fence = await Lease(market.rig.connection, holder="taking").acquire()
    assert fence is not None
    market.fence = fence
    market.taking = market.new_taking()


async def test_another_shop_is_read_from_its_own_beginning(market: Market) -> None:
    await market.listed()
    remote_id = await market.ordered(1)
    await market.taking.poll()
    first = await market.stores.watermarks.get()
    shop, other, *_ = market.rig.sandbox.world.markets

    await connect(market, "harbour", other)
    assert await market.stores.watermarks.get() is None
    await market.taking.poll()
    assert await market.orders.count() == 1

    await connect(market, "cedar", shop)
    assert await market.stores.watermarks.get() == first
    await market.control.pay(remote_id)
    await market.taking.poll()

    order = await market.order(remote_id)
    assert order.status == "ON_HOLD"
    assert order.lines[0].sku == "s_mug"


async def test_orders_of_the_shop_before_stay(market: Market) -> None:
    await market.listed(units=10, level=5)
    remote_id = await market.ordered(2)
    await market.taking.poll()
    _, other, *_ = market.rig.sandbox.world.markets

    await connect(market, "harbour", other)
    await market.taking.poll()

    assert (await market.order(remote_id)).channel == TIKTOK
    assert (await market.stock()).committed == 2
