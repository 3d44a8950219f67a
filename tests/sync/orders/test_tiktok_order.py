"""An order of TikTok as we keep it, and what it asks of the stock."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.model import SkuId
from sync.orders.buyer import Buyer
from sync.orders.claims import claims
from sync.orders.order import Claim, LineId, Order, OrderId, OrderStatus, Return
from sync.orders.tiktok_order import buyer_of, order_of, print_of, print_of_remote
from sync.tiktok import wire
from sync.tiktok.errors import Unreadable
from tests.sync.orders.things import AT, PLACES, remote, remote_line

WORDS = [getattr(OrderStatus, name) for name in vars(OrderStatus) if name.isupper()]
HOLDING = ["UNPAID", "ON_HOLD", "AWAITING_SHIPMENT", "AWAITING_COLLECTION", "PARTIALLY_SHIPPING"]
SENT = ["IN_TRANSIT", "DELIVERED", "COMPLETED"]


def taken(
    told: wire.Order,
    before: Order | None = None,
    returns: list[wire.Return] | None = None,
    since: float = 0.0,
) -> Order:
    return order_of(told, PLACES, before, returns, since=since, at=AT + 9)


def in_status(word: str | None, **changes: Any) -> wire.Order:
    return remote(remote_line(display_status=word), **{"status": word, **changes})


def test_an_order_is_kept_whole() -> None:
    lines = (
        remote_line(1, display_status="AWAITING_SHIPMENT", room_id="7788"),
        remote_line(2, sku_id="other", display_status="CANCELLED", cancel_reason="Too late"),
    )

    order = taken(remote(*lines, is_sample_order=True, is_buyer_request_cancel=True))

    assert (order.id, order.remote_id, order.channel) == ("tiktok-576", "576", "tiktok")
    assert (order.status, order.currency) == ("AWAITING_SHIPMENT", "USD")
    assert (order.created_at, order.updated_at, order.paid_at) == (AT, AT + 5, AT + 5)
    assert (order.is_sample, order.cancel_requested) == (True, True)
    assert order.taken_at == AT + 9
    first, second = order.lines
    assert (first.id, first.product, first.sku, first.room) == ("l1", "p_mug", "s_mug", "7788")
    assert (first.title, first.variant, first.price) == ("The mug", "Default", 1250)
    assert (second.product, second.sku, second.room) == (None, None, None)
    assert (second.cancelled, second.cancel_reason) == (1, "Too late")


@pytest.mark.parametrize("word", HOLDING)
def test_units_that_wait_are_held(word: str) -> None:
    assert claims(taken(in_status(word))) == (Claim(LineId("l1"), SkuId("s_mug"), 1, 1, 0),)


@pytest.mark.parametrize("word", SENT)
def test_units_that_are_on_their_way_have_been_sent(word: str) -> None:
    assert claims(taken(in_status(word))) == (Claim(LineId("l1"), SkuId("s_mug"), 1, 1, 1),)


def test_units_that_were_cancelled_are_released() -> None:
    assert claims(taken(in_status("CANCELLED"))) == (Claim(LineId("l1"), SkuId("s_mug"), 1, 0, 0),)


def test_a_line_is_as_its_order_where_it_says_nothing_of_itself() -> None:
    assert taken(remote(status="DELIVERED")).lines[0].sent == 1
    cancelled = remote(remote_line(display_status="IN_TRANSIT"), status="CANCELLED")
    assert taken(cancelled).lines[0].cancelled == 1


@given(st.text().filter(lambda word: word not in WORDS))
def test_a_word_that_nobody_knows_holds_and_is_shown(word: str) -> None:
    order = taken(in_status(word))

    assert order.status == word
    assert claims(order)[0].units == 1
    assert claims(order)[0].sent == 0


def test_an_order_without_a_status_holds() -> None:
    order = taken(in_status(None))

    assert (order.status, order.lines[0].status) == ("", "")
    assert claims(order)[0].units == 1


def test_what_is_none_of_ours_claims_nothing() -> None:
    order = taken(remote(remote_line(sku_id="other"), remote_line(2, sku_id=None)))

    assert [each.sku for each in claims(order)] == [None, None]


def test_an_order_from_before_the_connection_claims_nothing_then_and_later() -> None:
    before = taken(remote(), since=AT + 1)
    after = taken(in_status("IN_TRANSIT", update_time=int(AT) + 90), before, since=0.0)

    assert (before.predates, after.predates) == (True, True)
    assert before.lines[0].sku == "s_mug"
    assert claims(before)[0].sku is claims(after)[0].sku is None


def test_a_late_cancel_leaves_the_unit_sent() -> None:
    sent = taken(in_status("IN_TRANSIT"))

    after = taken(in_status("CANCELLED"), sent)

    assert (after.lines[0].sent, after.lines[0].cancelled) == (1, 1)


def test_an_open_order_without_lines_cannot_be_read() -> None:
    with pytest.raises(Unreadable, match="the order 576"):
        taken(wire.Order(id="576", status="AWAITING_SHIPMENT"))


def test_a_cancelled_order_without_lines_keeps_those_it_had() -> None:
    after = taken(wire.Order(id="576", status="CANCELLED"), taken(remote()))

    assert [(line.cancelled, line.status) for line in after.lines] == [(1, "CANCELLED")]
    assert after.created_at == AT


def test_the_price_is_what_the_buyer_and_tiktok_pay() -> None:
    line = remote_line(sale_price="10.00", platform_discount="2.50", seller_discount="1.00")

    assert taken(remote(line)).lines[0].price == 1250


@pytest.mark.parametrize("price", [None, "free", "1.234"])
def test_a_price_that_cannot_be_read_is_none(price: str | None) -> None:
    assert taken(remote(remote_line(sale_price=price))).lines[0].price == 0


def test_the_currency_is_told_by_whoever_tells_it() -> None:
    assert taken(remote(payment=None)).currency == "USD"
    assert taken(remote(remote_line(currency=None), payment=None)).currency == "XXX"


def back(status: str, type: str = "RETURN_AND_REFUND", **changes: Any) -> wire.Return:
    refund = wire.Refund(currency="USD", refund_total="12.50")
    return wire.Return(
        **{
            "return_id": "ret1",
            "order_id": "576",
            "return_type": type,
            "return_status": status,
            "return_reason_text": "Broken",
            "update_time": int(AT) + 70,
            "refund_amount": refund,
            "return_line_items": (
                wire.ReturnedLine(order_line_item_id="l1", refund_amount=refund),
            ),
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("told", "returned", "refunded"),
    [
        (back("RETURN_OR_REFUND_REQUEST_PENDING"), 0, 0),
        (back("BUYER_SHIPPED_ITEM"), 0, 0),
        (back("A_NEW_WORD"), 0, 0),
        (back("RETURN_OR_REFUND_REQUEST_SUCCESS"), 1, 0),
        (back("RETURN_OR_REFUND_REQUEST_COMPLETE"), 1, 1250),
        (back("RETURN_OR_REFUND_REQUEST_COMPLETE", "REFUND"), 0, 1250),
        (back("RETURN_OR_REFUND_REQUEST_COMPLETE", can_buyer_keep_item=True), 0, 1250),
    ],
)
def test_a_return_is_kept_and_counts_once_it_is_through(
    told: wire.Return, returned: int, refunded: int
) -> None:
    order = taken(in_status("DELIVERED"), None, [told])

    assert order.returns == (
        Return("ret1", told.return_status or "", (LineId("l1"),), 1250, "Broken", AT + 70),
    )
    assert (order.lines[0].returned, order.lines[0].refunded) == (returned, refunded)
    assert order.lines[0].restocked == 0
    assert claims(order)[0].restocked == 0


def test_returns_that_nobody_has_asked_for_stay() -> None:
    before = taken(in_status("DELIVERED"), None, [back("RETURN_OR_REFUND_REQUEST_COMPLETE")])

    after = taken(in_status("COMPLETED"), before, None)

    assert after.returns == before.returns
    assert (after.lines[0].returned, after.lines[0].refunded) == (1, 1250)


@given(st.sampled_from(WORDS), st.sampled_from(WORDS), st.booleans())
def test_an_order_is_known_again_by_its_print(of_order: str, of_line: str, asked: bool) -> None:
    told = remote(
        remote_line(2, display_status=of_line),
        remote_line(1),
        status=of_order,
        is_buyer_request_cancel=asked,
    )

    assert print_of(taken(told)) == print_of_remote(told)


def test_another_state_in_the_same_second_has_another_print() -> None:
    before, after = in_status("UNPAID"), in_status("AWAITING_SHIPMENT")

    assert before.update_time == after.update_time
    assert print_of(taken(before)) != print_of_remote(after)


RECIPIENT = wire.Recipient(name="Ann", phone_number="1", full_address="2 Road", region_code="US")


def test_the_buyer_is_whom_it_goes_to() -> None:
    told = remote(recipient_address=RECIPIENT, buyer_email="a@b.example", buyer_message="Ring")

    assert buyer_of(told) == Buyer("Ann", "1", "a@b.example", "2 Road", "", "US", "Ring")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "UNPAID"},
        {"status": "ON_HOLD"},
        {"status": "CANCELLED"},
        {"recipient_address": None},
        {"recipient_address": wire.Recipient(region_code="US")},
        {"recipient_address": wire.Recipient(name="A**", full_address="2 R***")},
    ],
)
def test_a_buyer_whom_tiktok_does_not_tell_is_none(changes: dict[str, Any]) -> None:
    assert buyer_of(remote(**{"recipient_address": RECIPIENT, **changes})) is None


def test_a_buyer_is_never_printed() -> None:
    assert repr(Buyer("Ann")) == "Buyer(***)"


def test_the_id_of_an_order_follows_from_tiktoks() -> None:
    assert taken(remote()).id == OrderId("tiktok-576")
