import asyncio
import re
from contextlib import AsyncExitStack

import msgspec
import pytest

from sync.connection import Connection
from sync.model import TIKTOK, ChannelRecord, RemoteShop
from sync.store.channel import (
    STATE_LIVES_S,
    Channels,
    Lock,
    Locked,
    StateRefused,
    States,
    state_hash,
)
from sync.store.hints import Hint, Hints
from sync.store.keys import key
from sync.store.lease import Lease
from sync.store.notices import Notices

CEDAR = RemoteShop("1", "Cedar", "US", "GCP_1")
BIRCH = RemoteShop("2", "Birch", "US", "GCP_2")


@pytest.fixture
def channels(connection: Connection) -> Channels:
    return Channels(connection)


@pytest.fixture
def states(connection: Connection) -> States:
    return States(connection)


@pytest.fixture
def hints(connection: Connection) -> Hints:
    return Hints(connection)


async def test_a_channel_that_nobody_has_stored_is_a_new_one(channels: Channels) -> None:
    assert await channels.get(TIKTOK) == ChannelRecord()


async def test_changes_at_once_all_count(channels: Channels) -> None:
    def one_more(record: ChannelRecord) -> ChannelRecord:
        return msgspec.structs.replace(record, orders_count=record.orders_count + 1)

    await asyncio.gather(*(channels.change(TIKTOK, one_more) for _ in range(8)))

    record = await channels.get(TIKTOK)
    assert (record.orders_count, record.revision) == (8, 8)


async def test_a_change_is_told_and_one_that_is_none_is_not(
    channels: Channels, notices: Notices
) -> None:
    listening = notices.listen()
    await anext(listening)

    await channels.change(TIKTOK, lambda record: record)
    await channels.change(TIKTOK, lambda record: msgspec.structs.replace(record, tier="pro"))
    notice = await anext(listening)
    await listening.aclose()

    assert (notice.kind, notice.ids) == ("channel", (TIKTOK,))
    assert (await channels.get(TIKTOK)).revision == 1


async def test_with_another_shop_goes_what_was_kept_of_the_one_before(
    channels: Channels, connection: Connection
) -> None:
    lease = Lease(connection, holder="first")
    fence = await lease.acquire()
    await connection.redis.hset(key("listings"), "p_mug", "{}")
    await connection.redis.hset(key("mapping"), "Mugs", "1000")

    await channels.change(TIKTOK, lambda record: msgspec.structs.replace(record, shop=CEDAR))
    await channels.change(TIKTOK, lambda record: msgspec.structs.replace(record, tier="pro"))
    assert await connection.redis.exists(key("listings"))
    await channels.change(TIKTOK, lambda record: msgspec.structs.replace(record, shop=BIRCH))

    assert not await connection.redis.exists(key("listings"))
    assert await connection.redis.exists(key("mapping"))
    later = await Lease(connection, holder="second").acquire()
    assert fence is not None
    assert later is not None
    assert later > fence + 1


def counted(record: ChannelRecord) -> ChannelRecord:
    return msgspec.structs.replace(record, orders_count=record.orders_count + 1)


async def test_a_state_is_good_once(states: States, channels: Channels) -> None:
    state = await states.give()
    assert re.fullmatch(r"[\w-]{43}", state)

    await channels.change_by(state, TIKTOK, counted)
    with pytest.raises(StateRefused) as used:
        await channels.change_by(state, TIKTOK, counted)
    with pytest.raises(StateRefused) as unknown:
        await channels.change_by("another", TIKTOK, counted)

    assert (used.value.was_used, unknown.value.was_used) == (True, False)
    assert (await channels.get(TIKTOK)).orders_count == 1


async def test_a_state_is_used_up_by_a_change_that_is_none(
    states: States, channels: Channels
) -> None:
    state = await states.give()

    await channels.change_by(state, TIKTOK, lambda record: record)

    with pytest.raises(StateRefused):
        await channels.change_by(state, TIKTOK, lambda record: record)


async def test_of_many_who_bring_a_state_at_once_one_is_let_in(
    states: States, channels: Channels
) -> None:
    state = await states.give()

    answers = await asyncio.gather(
        *(channels.change_by(state, TIKTOK, counted) for _ in range(10)), return_exceptions=True
    )

    assert sum(isinstance(answer, StateRefused) for answer in answers) == 9
    assert (await channels.get(TIKTOK)).orders_count == 1


async def test_a_state_is_kept_by_its_hash_and_not_for_long(
    states: States, channels: Channels, connection: Connection
) -> None:
    state = await states.give()
    name = key(f"oauth:{state_hash(state)}")
    assert await connection.redis.keys() == [name.encode()]

    await channels.change_by(state, TIKTOK, counted)

    assert 0 < await connection.redis.ttl(name) <= STATE_LIVES_S


async def test_a_lock_is_held_by_one_and_free_again_after(connection: Connection) -> None:
    first, second = Lock(connection, "x"), Lock(connection, "x")

    async with first.held():
        with pytest.raises(Locked):
            async with second.held():
                pass
    async with second.held():
        pass


async def test_a_lock_that_has_run_out_is_not_taken_from_the_next_holder(
    connection: Connection,
) -> None:
    first, second, third = (Lock(connection, "x") for _ in range(3))

    async with AsyncExitStack() as stack:
        async with first.held():
            await connection.redis.delete(key("lock:x"))  # as if it had run out
            await stack.enter_async_context(second.held())
        with pytest.raises(Locked):
            await stack.enter_async_context(third.held())


async def test_hints_of_one_thing_are_one_and_a_notification_counts_once(hints: Hints) -> None:
    mug = Hint("product", "17")

    assert [await hints.add(mug, "n1"), await hints.add(mug, "n1")] == [True, False]
    assert await hints.add(mug, "n2")
    assert await hints.add(Hint("order", "9"), None)
    assert await hints.add(Hint("order", "9"), None)

    assert await hints.all() == {mug: 2, Hint("order", "9"): 2}


async def test_a_hint_that_comes_while_somebody_looks_stays(hints: Hints) -> None:
    await hints.add(Hint("product", "17"), "n1")
    await hints.add(Hint("order", "9"), "n2")
    looked_at = await hints.all()
    await hints.add(Hint("product", "17"), "n3")

    await hints.seen(looked_at)
    await hints.seen({})

    assert await hints.all() == {Hint("product", "17"): 2}


async def test_a_lock_is_kept_for_as_long_as_its_work_takes(connection: Connection) -> None:
    first, second = Lock(connection, "x", ttl_s=0.3), Lock(connection, "x", ttl_s=0.3)

    async with first.held():
        with pytest.raises(Locked):
            async with second.held(wait_s=1.0):
                pass


async def test_a_lock_whose_holder_has_died_is_had_soon(connection: Connection) -> None:
    await connection.redis.set(key("lock:x"), "dead", px=300)

    async with Lock(connection, "x").held(wait_s=30.0):
        pass


async def test_a_lock_is_had_by_who_was_not_told_that_they_have_it(connection: Connection) -> None:
    lock = Lock(connection, "x")
    await lock._took()  # and the answer got lost

    async with lock.held():
        pass


async def test_tasks_of_one_server_take_turns(connection: Connection) -> None:
    lock = Lock(connection, "x")

    async with lock.held():
        with pytest.raises(Locked):
            async with lock.held():
                pass
    async with lock.held():
        pass
