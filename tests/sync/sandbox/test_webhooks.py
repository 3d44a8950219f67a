"""Webhooks: where they go, what they say, how often they are tried, what befalls them."""

from sync.sandbox.server import Sandbox
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.conftest import AUDIT_S, START
from tests.sync.sandbox.mailbox import Mailbox

WEBHOOKS = "/event/202309/webhooks"
DAY_S = 24 * 3600


async def test_an_address_is_kept_by_event_until_it_is_deleted(
    sandbox: Sandbox, caller: Caller
) -> None:
    first = {"address": "http://127.0.0.1:1/a", "event_type": "PRODUCT_CREATION"}
    await caller.data("PUT", WEBHOOKS, first)
    await sandbox.control.clock(5)
    await caller.data("PUT", WEBHOOKS, first | {"address": "http://127.0.0.1:1/b"})

    assert await caller.data("GET", WEBHOOKS) == {
        "total_count": 1,
        "webhooks": [
            {
                "address": "http://127.0.0.1:1/b",
                "create_time": int(START),
                "event_type": "PRODUCT_CREATION",
                "update_time": int(START) + 5,
            }
        ],
    }
    for _ in range(2):
        assert await caller.data("DELETE", WEBHOOKS, {"event_type": "PRODUCT_CREATION"}) == {}
    assert (await caller.data("GET", WEBHOOKS))["webhooks"] == []


async def test_an_address_and_an_event_that_are_none_are_refused(caller: Caller) -> None:
    good = {"address": "http://127.0.0.1:1/", "event_type": "PRODUCT_CREATION"}
    for bad in (
        {"address": "ftp://127.0.0.1/"},
        {"address": "http://["},
        {"address": "/webhooks"},
        {"address": "http://a/" + "b" * 247},
        {"event_type": "SOMETHING"},
    ):
        assert (await caller.call("PUT", WEBHOOKS, good | bad))["code"] == 36009004
    assert (await caller.call("DELETE", WEBHOOKS, {"event_type": "SOMETHING"}))["code"] == 36009004


async def test_a_products_way_is_told(sandbox: Sandbox, caller: Caller, mailbox: Mailbox) -> None:
    await mailbox.subscribe(caller)
    made = await caller.create()
    await sandbox.control.clock(AUDIT_S)

    number = int(made["product_id"])
    assert mailbox.of(37) == [
        {"product_id": number, "audit": {"status": "AUDITING"}, "update_time": START},
        {"product_id": number, "audit": {"status": "APPROVED"}, "update_time": START + AUDIT_S},
    ]
    assert [(each["product_id"], each["status"]) for each in mailbox.of(5)] == [
        (number, "PRODUCT_FIRST_PASS_REVIEW")
    ]
    assert [each["product_id"] for each in mailbox.of(16)] == [made["product_id"]]
    assert len({each["tts_notification_id"] for each in mailbox.received}) == 4
    assert all(mailbox.signed)


async def test_an_edit_is_told_when_it_takes_effect(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    made = await caller.create()
    await sandbox.control.clock(AUDIT_S)
    await mailbox.subscribe(caller)
    path = f"/product/202509/products/{made['product_id']}/partial_edit"
    await caller.data("POST", path, {"title": "A vase of stoneware", "category_id": "600339"})
    await sandbox.control.clock(AUDIT_S)

    [change], [category] = mailbox.of(15), mailbox.of(18)
    assert (change["product_id"], change["changed_fields"]) == (made["product_id"], ["title"])
    assert (category["previous_category_id"], category["current_category_id"]) == (
        "600338",
        "600339",
    )
    assert mailbox.of(5) == []


async def test_a_refusal_is_told_with_its_reasons(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await mailbox.subscribe(caller, "PRODUCT_STATUS_CHANGE")
    made = await caller.create()
    await sandbox.control.product(made["product_id"], "FREEZE", "Counterfeit")
    await sandbox.control.clock(0)

    [told] = mailbox.of(5)
    assert (told["status"], told["suspended_reason"]) == ("PRODUCT_STATUS_CHANGED", "Counterfeit")


async def test_why_a_product_waits_is_told_in_one_of_two_forms(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await sandbox.control.shop(kyc_pending=True)
    await caller.create()
    await mailbox.subscribe(caller, "PRODUCT_AUDIT_STATUS_CHANGE")
    await sandbox.control.clock(AUDIT_S)
    sandbox.world.auditor.form = "table"
    await caller.create()
    await sandbox.control.clock(AUDIT_S)

    audits = [each["audit"] for each in mailbox.of(37)]
    assert audits[0] == {"status": "PRE_APPROVED", "pre_approved_reason": "KYC_PENDING"}
    assert audits[-1] == {"status": "PRE_APPROVED", "pre_approved_reasons": ["KYC_PENDING"]}


async def test_a_cancelled_order_is_called_otherwise_than_by_the_api(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    made = await caller.create()
    await sandbox.control.clock(AUDIT_S)
    await mailbox.subscribe(caller)
    order = await sandbox.control.buy(made["skus"][0]["id"], paid=True)
    await sandbox.control.cancel(order["id"])
    await sandbox.control.clock(0)

    assert [(each["order_status"], each["is_on_hold_order"]) for each in mailbox.of(1)] == [
        ("UNPAID", False),
        ("ON_HOLD", True),
        ("CANCEL", True),
    ]
    [cancellation] = mailbox.of(11)
    assert cancellation["order_id"] == order["id"]
    assert cancellation["cancel_status"] == "CANCELLATION_REQUEST_COMPLETE"


async def test_a_webhook_that_fails_is_tried_again_four_times_and_dropped(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await mailbox.subscribe(caller, "PRODUCT_CREATION")
    mailbox.answer = 500
    await caller.create()
    tries = []
    for moment in (0, 119, 120, 1799, 1800, 3 * 3600, 12 * 3600, 7 * DAY_S):
        now = sandbox.world.clock.now()
        await sandbox.control.clock(START + moment - now)
        tries.append(len(mailbox.received))

    assert tries == [1, 1, 2, 2, 3, 4, 5, 5]
    assert len(set(mailbox.bodies)) == 1
    counts = (await sandbox.control.state())["webhooks"]["counts"]
    assert counts == {"sent": 1, "failed": 5, "dropped": 1}


async def test_a_webhook_that_was_taken_is_not_tried_again(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await mailbox.subscribe(caller, "PRODUCT_CREATION")
    mailbox.answer = 503
    await caller.create()
    await sandbox.control.clock(1)
    mailbox.answer = 204
    await sandbox.control.clock(7 * DAY_S)

    assert len(mailbox.received) == 2
    assert [each["status"] for each in await sandbox.control.webhooks()] == [503, 204]


async def test_nobody_at_the_address_is_a_failed_try(sandbox: Sandbox, caller: Caller) -> None:
    await caller.data(
        "PUT", WEBHOOKS, {"address": "http://127.0.0.1:1/", "event_type": "PRODUCT_CREATION"}
    )
    await caller.create()
    await sandbox.control.clock(0)

    assert [each["status"] for each in await sandbox.control.webhooks()] == [0]


async def test_an_answer_later_than_three_seconds_is_none(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    sandbox.world.courier.answer_within_s = 0.05
    await mailbox.subscribe(caller, "PRODUCT_CREATION")
    mailbox.silent = True
    await caller.create()
    await sandbox.control.clock(0)

    assert [each["status"] for each in await sandbox.control.webhooks()] == [0]


async def numbers(sandbox: Sandbox, caller: Caller, mailbox: Mailbox, count: int) -> list[int]:
    """Make so many products; in which order their creations are told."""
    await mailbox.subscribe(caller, "PRODUCT_CREATION")
    made = []
    for _ in range(count):
        made.append((await caller.create())["product_id"])
        await sandbox.control.clock(0)
    return [made.index(each["product_id"]) for each in mailbox.of(16)]


async def test_webhooks_are_lost(sandbox: Sandbox, caller: Caller, mailbox: Mailbox) -> None:
    await sandbox.control.tamper(lose=2)

    assert await numbers(sandbox, caller, mailbox, 3) == [2]


async def test_webhooks_come_twice(sandbox: Sandbox, caller: Caller, mailbox: Mailbox) -> None:
    await sandbox.control.tamper(double=1)

    assert await numbers(sandbox, caller, mailbox, 2) == [0, 0, 1]
    assert len({each["tts_notification_id"] for each in mailbox.received}) == 2


async def test_webhooks_overtake_each_other(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await sandbox.control.tamper(reorder=1)

    assert await numbers(sandbox, caller, mailbox, 3) == [1, 0, 2]


async def test_webhooks_held_back_go_when_tampering_ends(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await sandbox.control.tamper(reorder=3)
    assert await numbers(sandbox, caller, mailbox, 1) == []

    await sandbox.control.clear_faults()
    await sandbox.control.clock(0)
    assert len(mailbox.received) == 1


async def test_the_end_of_an_authorization_is_told_thirty_days_ahead_and_daily(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await mailbox.subscribe(caller)
    await sandbox.control.clock(335 * DAY_S - 1)
    assert mailbox.of(7) == []
    await sandbox.control.clock(1 + 2 * DAY_S)

    told = mailbox.of(7)
    assert [each["expiration_time"] for each in told] == [str(int(START) + 365 * DAY_S)] * 3
    assert [each["message"].partition("expires ")[2].rstrip(".") for each in told] == [
        "in 30 days",
        "in 29 days",
        "in 28 days",
    ]


async def test_a_new_consent_ends_the_warnings_of_the_one_before(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await sandbox.control.clock(335 * DAY_S)
    await caller.connect()
    await mailbox.subscribe(caller)
    await sandbox.control.clock(30 * DAY_S)

    assert mailbox.of(7) == []


async def test_a_seller_who_leaves_is_told_of(
    sandbox: Sandbox, caller: Caller, mailbox: Mailbox
) -> None:
    await mailbox.subscribe(caller)
    await sandbox.control.deauthorize("cedar")
    await sandbox.control.clock(0)

    [told] = mailbox.received
    assert (told["type"], told["shop_id"]) == (6, await caller.shop_id())


async def test_a_return_is_told(sandbox: Sandbox, caller: Caller, mailbox: Mailbox) -> None:
    made = await caller.create()
    await sandbox.control.clock(AUDIT_S)
    order = await sandbox.control.buy(made["skus"][0]["id"], paid=True)
    await sandbox.control.clock(3600)
    await sandbox.control.ship(order["id"])
    await sandbox.control.deliver(order["id"])
    await mailbox.subscribe(caller)
    given = await sandbox.control.give_back(order["id"])
    await sandbox.control.clock(0)

    [told] = mailbox.of(12)
    assert (told["return_id"], told["order_id"]) == (given["return_id"], order["id"])
