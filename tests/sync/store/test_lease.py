import pytest

from sync.connection import Connection
from sync.store.lease import Lease, LeaseLost


async def test_a_lease_that_is_freed_is_had_by_the_next_and_renewed_by_nobody(
    connection: Connection,
) -> None:
    dead, alive = Lease(connection, holder="dead"), Lease(connection, holder="alive")
    fence = await dead.acquire()
    assert fence is not None
    assert await alive.acquire() is None

    await alive.free()

    with pytest.raises(LeaseLost):
        await dead.renew(fence)
    assert await alive.acquire() == fence + 2
