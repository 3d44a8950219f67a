"""What TikTok has and says is written by the server that holds the lease, and by no other."""

from collections.abc import Awaitable, Callable

import pytest

from sync.connection import Connection
from sync.model import Category, CategoryRules
from sync.store.categories import Categories, CategoryTree
from sync.store.keys import key
from sync.store.lease import FENCE, Fence, Lease, LeaseLost
from sync.store.listings import Listings
from sync.store.progress import Progress, ProgressStore, Searched
from sync.store.uploads import Uploads
from tests.sync.selling import LISTING

TREE = CategoryTree((Category("1", "", "Mugs", True, "AVAILABLE"),), 1.0)

WRITES: dict[str, Callable[[Connection, Fence], Awaitable[None]]] = {
    "listings": lambda connection, fence: Listings(connection).save([LISTING], fence),
    "foreign": lambda connection, fence: Listings(connection).note_foreign(["17"], fence),
    "tree": lambda connection, fence: Categories(connection).save_tree(TREE, fence),
    "rules": lambda connection, fence: Categories(connection).save_rules(
        [CategoryRules("1")], fence
    ),
    "uploads": lambda connection, fence: Uploads(connection).add("a" * 64, "uri", fence),
    "progress": lambda connection, fence: ProgressStore(connection).save(Progress(1), fence),
    "searched": lambda connection, fence: ProgressStore(connection).save_searched(
        Searched(1, 1.0, 1.0), fence
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_server_whose_lease_was_taken_writes_nothing(
    connection: Connection, write: Callable[[Connection, Fence], Awaitable[None]]
) -> None:
    slept = await Lease(connection, holder="slow").acquire()
    assert slept is not None
    await connection.redis.flushdb()
    await connection.redis.set(FENCE, slept)
    taken = await Lease(connection, holder="quick").acquire()
    assert taken is not None
    before = sorted(await connection.redis.keys(key("*")))

    with pytest.raises(LeaseLost):
        await write(connection, slept)
    assert sorted(await connection.redis.keys(key("*"))) == before

    await write(connection, taken)
    assert sorted(await connection.redis.keys(key("*"))) != before
