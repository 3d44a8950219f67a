"""A connection kept in order, on a clock that is moved."""

import asyncio
import contextlib

import pytest

from sync.connecting.doubt import doubt
from sync.connecting.keeper import CHECK_FAILING_S, CHECK_S
from sync.eligibility.shop_state import shop_state
from sync.sandbox.server import Sandbox
from sync.tiktok.errors import NotAuthorized, TikTokUnavailable, TokenRefused, Unreadable
from sync.tiktok.wire import Shop
from tests.control.until import until
from tests.sync.connecting.servers import DAY_S, Server


async def test_nothing_is_asked_of_tiktok_without_a_connection(
    server: Server, sandbox: Sandbox
) -> None:
    await server.tiktok.keeper.tend()

    assert await sandbox.control.requests() == {}
    with pytest.raises(NotAuthorized):
        await server.tiktok.keeper.check()


async def test_after_connecting_tiktok_is_asked_what_is_missing(
    server: Server, sandbox: Sandbox
) -> None:
    await sandbox.control.shop(failing={"BANk_ACCOUNT": ["No account."]})
    await server.connect()

    rest_s = await server.tiktok.keeper.tend()

    record = await server.record()
    failing = [each for each in record.prerequisites if each.failed]
    assert [(each.item, each.reasons) for each in failing] == [("BANK_ACCOUNT", ("No account.",))]
    assert [place.status for place in record.warehouses] == ["ENABLED", "ENABLED"]
    assert rest_s == CHECK_FAILING_S


async def test_a_shop_that_has_told_of_no_warehouse_is_asked_again_soon(
    server: Server, sandbox: Sandbox
) -> None:
    await sandbox.control.schema("warehouses", rename={"warehouses": "depots"})
    await server.connect()

    assert await server.tiktok.keeper.tend() == CHECK_FAILING_S
    assert (await server.record()).warehouses == ()

    await sandbox.control.clear_faults()
    await sandbox.control.clock(CHECK_FAILING_S)
    assert await server.tiktok.keeper.tend() == CHECK_S
    assert len((await server.record()).warehouses) == 2


async def test_an_answer_without_warehouses_takes_none_away(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await server.tiktok.keeper.tend()
    before = await server.record()
    await sandbox.control.schema("warehouses", rename={"warehouses": "depots"})
    await sandbox.control.clock(CHECK_S)

    await server.tiktok.keeper.tend()

    after = await server.record()
    assert len(before.warehouses) == 2
    assert (after.warehouses, after.warehouses_at) == (before.warehouses, before.warehouses_at)
    assert after.prerequisites_at != before.prerequisites_at


async def test_while_nothing_is_due_nothing_is_asked(server: Server, sandbox: Sandbox) -> None:
    await server.connect()
    await server.tiktok.keeper.tend()
    await sandbox.control.forget_requests()

    assert await server.tiktok.keeper.tend() == CHECK_S
    await sandbox.control.clock(CHECK_S - 1)
    assert await server.tiktok.keeper.tend() == 1

    assert await sandbox.control.requests() == {}


async def test_when_it_is_time_tiktok_is_asked_once_by_all_servers(
    server: Server, second: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await server.tiktok.keeper.tend()
    await sandbox.control.forget_requests()
    await sandbox.control.clock(CHECK_S)

    await asyncio.gather(server.tiktok.keeper.tend(), second.tiktok.keeper.tend())
    await second.tiktok.keeper.tend()

    assert await server.requests("prerequisites") == {"0": 1}
    assert await server.requests("put_webhook") == {}


async def test_tokens_are_renewed_a_day_ahead(server: Server, sandbox: Sandbox) -> None:
    await server.connect()
    await server.tiktok.keeper.tend()
    await sandbox.control.clock(6 * DAY_S - 1)
    await server.tiktok.keeper.tend()
    assert await server.requests("token_refresh") == {}

    await sandbox.control.clock(1)
    await server.tiktok.keeper.tend()

    assert await server.requests("token_refresh") == {"0": 1}


async def test_tokens_that_live_for_less_than_a_day_are_not_renewed_without_end(
    server: Server, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.sandbox.tokens.ACCESS_LIFETIME_S", 12 * 3600)
    await server.connect()

    rests = [await server.tiktok.keeper.tend() for _ in range(3)]

    assert rests[0] == 0.0
    assert min(rests[1:]) > 0.0
    assert await server.requests("token_refresh") == {"0": 1}


async def test_a_year_of_renewals_ends_with_the_authorization(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    conditions = set()

    for _ in range(122):
        await sandbox.control.clock(3 * DAY_S)
        with contextlib.suppress(NotAuthorized):
            await server.tiktok.keeper.tend()
        record = await server.record()
        conditions.add(shop_state(record, sandbox.world.clock.now()).conditions)

    assert conditions == {(), ("authorization_expiring",)}
    assert record.authorization is None
    assert record.deauthorized_at is not None
    assert 55 <= (await server.requests("token_refresh"))["0"] <= 62


async def test_a_refused_renewal_is_not_asked_for_again_and_again(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await server.tiktok.keeper.tend()
    await sandbox.control.clock(6 * DAY_S)
    await sandbox.control.fail("close_after", "token_refresh")

    for _ in range(5):
        await server.tiktok.keeper.tend()
        await sandbox.control.clock(CHECK_S)

    refused = sum((await server.requests("token_refresh")).values())
    assert refused == 2  # the lost answer, and the one try after it
    assert (await server.record()).is_connected


async def test_a_seller_who_shut_us_out_is_noticed_without_a_webhook(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await server.tiktok.keeper.tend()
    await sandbox.control.tamper(lose=10)
    await sandbox.control.deauthorize("cedar")
    await sandbox.control.clock(CHECK_S)

    await server.tiktok.keeper.tend()

    record = await server.record()
    assert record.authorization is None
    assert "seller has ended the connection" in record.last_error


async def test_a_doubt_that_is_none_is_dropped(server: Server) -> None:
    await server.connect()
    await doubt(server.channels, server.sandbox.world.clock.now())
    assert (await server.record()).doubted_at is not None

    await server.tiktok.keeper.tend()

    record = await server.record()
    assert record.doubted_at is None
    assert record.is_connected


async def test_a_doubt_waits_for_tiktok(server: Server, sandbox: Sandbox) -> None:
    await server.connect()
    await doubt(server.channels, server.sandbox.world.clock.now())
    await sandbox.control.fail("error_503", "shops", times=5)

    with pytest.raises(TikTokUnavailable):
        await server.tiktok.keeper.tend()

    assert (await server.record()).doubted_at is not None
    assert (await server.record()).is_connected


async def test_a_shop_that_was_taken_away_is_not_ours_any_more(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await server.tiktok.keeper.tend()
    sandbox.world.sellers["cedar"].shops.clear()
    await doubt(server.channels, server.sandbox.world.clock.now())

    await server.tiktok.keeper.tend()

    record = await server.record()
    assert record.authorization is None
    assert "taken Cedar & Co away" in record.last_error


async def test_an_answer_that_is_not_understood_changes_nothing(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await sandbox.control.schema("warehouses", rename={"id": "number"})

    with pytest.raises(Unreadable):
        await server.tiktok.keeper.tend()

    assert (await server.record()).prerequisites_at is None


async def test_webhooks_that_tiktok_does_not_take_hold_nothing_up(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await sandbox.control.fail("error_503", "put_webhook", times=5)

    await server.tiktok.keeper.tend()

    assert (await server.record()).prerequisites_at is not None


async def test_the_task_goes_on_by_itself_when_something_changes(
    server: Server, second: Server
) -> None:
    running = asyncio.create_task(second.tiktok.keeper.run())
    await server.connect()

    await until(lambda: ("prerequisites", 0) in server.sandbox.world.requests)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_seller_whom_tiktok_is_still_checking_is_known_by_the_products_held_up(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await sandbox.control.schema(
        "search_products",
        replace={
            "products": [
                {
                    "id": "1729",
                    "status": "PENDING",
                    "audit": {"status": "PRE_APPROVED", "pre_approved_reasons": ["KYC_PENDING"]},
                }
            ]
        },
    )

    rest_s = await server.tiktok.keeper.tend()

    assert shop_state(await server.record(), sandbox.world.clock.now()).state == "kyc_pending"
    assert rest_s == CHECK_FAILING_S
    await sandbox.control.clear_faults()
    await server.tiktok.keeper.check()
    assert shop_state(await server.record(), sandbox.world.clock.now()).state == "probation"


async def test_a_check_that_is_refused_ends_what_has_ended(
    server: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await sandbox.control.deauthorize("cedar")

    with pytest.raises(TokenRefused):
        await server.tiktok.keeper.check()

    assert (await server.record()).authorization is None


async def test_a_doubt_of_before_ends_no_newer_connection(
    server: Server, second: Server, sandbox: Sandbox
) -> None:
    await server.connect()
    await server.tiktok.keeper.tend()
    await sandbox.control.deauthorize("cedar")
    await doubt(server.channels, sandbox.world.clock.now())
    shops = server.tiktok.client.shops

    async def meanwhile_connected() -> tuple[Shop, ...]:
        with contextlib.suppress(TokenRefused):
            await shops()
        await sandbox.control.clock(1)
        assert (await second.connect()).code == "connected"
        raise TokenRefused("as it was before")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server.tiktok.client, "shops", meanwhile_connected)
        await server.tiktok.keeper.tend()

    assert (await server.record()).is_connected


async def test_a_warning_counts_from_the_second_of_the_connection_on(
    server: Server, sandbox: Sandbox
) -> None:
    await sandbox.control.clock(0.75)
    await server.connect()
    second = int(sandbox.world.clock.now())

    await server.tiktok.keeper.expiring(second + DAY_S, second - 1)
    assert (await server.record()).authorization_ends_at is None

    await server.tiktok.keeper.expiring(second + DAY_S, second)
    assert (await server.record()).authorization_ends_at == second + DAY_S
