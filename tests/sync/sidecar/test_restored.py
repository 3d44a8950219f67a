"""What was restored from a backup is older than what TikTok has: that is found out, and nothing is
sold twice meanwhile."""

from sync.model import TIKTOK
from sync.store.snapshot import Row, SnapshotStore, is_kept
from tests.sync.sidecar.rig import Rig
from tests.sync.sidecar.test_escrow import offered, remote_sku, sell, selling, stock


async def test_what_tiktok_sold_since_the_backup_is_taken_in_by_way_of_zero(rig: Rig) -> None:
    sidecar = await selling(rig, units=10, share=60)
    await rig.control.buy(sku_id=await remote_sku(rig), quantity=1)
    await rig.cycles(sidecar)
    backup = await _rows(rig)
    await rig.control.buy(sku_id=await remote_sku(rig), quantity=3)
    await rig.cycles(sidecar)

    snapshots = SnapshotStore(rig.connection)
    await snapshots.stage(backup)
    await snapshots.swap(rig.now())
    assert await snapshots.doubt_everything(rig.now)
    assert (await stock(rig)).committed == 1

    levels: list[int] = []

    async def look() -> None:
        levels.append(await offered(rig))

    rig.sandbox.control.after("update_inventory", look)
    again = rig.sidecar("again")
    await rig.cycles(again)
    await rig.control.buy(sku_id=await remote_sku(rig), quantity=1)
    await rig.cycles(again)

    found = await stock(rig)
    assert levels[0] == 0
    assert (found.on_hand, found.committed) == (10, 5)
    assert found.quotas[TIKTOK] == await offered(rig)
    assert await sell(rig, 1, units=found.free)
    assert not await sell(rig, 2)


async def _rows(rig: Rig) -> list[Row]:
    """All that a backup has."""
    redis = rig.connection.redis
    names = await rig.connection.asked(lambda: redis.keys("shopcast:*"))
    kept = [name for name in names if is_kept(name)]
    pipeline = redis.pipeline(transaction=True)
    for name in kept:
        pipeline.dump(name)
    dumped = await rig.connection.asked(pipeline.execute)
    return [Row(name, None, each) for name, each in zip(kept, dumped, strict=True)]
