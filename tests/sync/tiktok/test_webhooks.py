import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Invalid
from sync.secret import Secret
from sync.tiktok import webhooks, wire
from sync.tiktok.webhooks import is_signed, parse, signature

SECRET = Secret("123")
BODY = (
    b'{"type":1,"tts_notification_id":"7380066284010030890","shop_id":"7495540735365777507",'
    b'"timestamp":1718305585,"data":{"is_on_hold_order":true,"order_id":"576653688135258178",'
    b'"order_status":"UNPAID","update_time":1718305585}}'
)
SIGNED = "5dec0f11ec2f6783b8deee53c9ffbf8d024302f7c7e7fa55a35d17629031ac05"


def of(kind: int, data: Any) -> bytes:
    return json.dumps({"type": kind, "shop_id": "7", "timestamp": 1, "data": data}).encode()


def test_the_documented_vector_is_signed() -> None:
    assert is_signed("abcdef", SECRET, BODY, SIGNED)


@pytest.mark.parametrize(
    "header", [None, "", SIGNED.upper(), f"Bearer {SIGNED}", SIGNED[:-1], "é", "\udcff"]
)
def test_anything_else_is_not(header: str | None) -> None:
    assert not is_signed("abcdef", SECRET, BODY, header)


@given(st.binary(max_size=60), st.text(max_size=8))
def test_only_the_very_bytes_are_signed(body: bytes, header: str) -> None:
    assert is_signed("abcdef", SECRET, body, signature("abcdef", SECRET, body))
    assert not is_signed("abcdef", SECRET, body, header)
    assert not is_signed("abcdef", SECRET, body + b" ", signature("abcdef", SECRET, body))


def test_an_order_is_read() -> None:
    event = parse(BODY)

    assert event.topic == wire.Topic.ORDER_STATUS_CHANGE
    assert event.notification_id == "7380066284010030890"
    assert event.shop_id == "7495540735365777507"
    assert event.timestamp == 1718305585
    assert event.data == webhooks.OrderChanged(
        order_id="576653688135258178",
        order_status="UNPAID",
        is_on_hold_order=True,
        update_time=1718305585,
    )


def test_cancel_is_spelled_as_the_api_spells_it() -> None:
    event = parse(of(1, {"order_id": "5", "order_status": "CANCEL"}))

    assert event.data == webhooks.OrderChanged(
        order_id="5", order_status=wire.OrderStatus.CANCELLED
    )


@pytest.mark.parametrize("kind", [5, 37])
def test_integer_product_ids_become_strings(kind: int) -> None:
    event = parse(of(kind, {"product_id": 576486316948490000}))

    assert isinstance(event.data, webhooks.ProductChanged | webhooks.AuditChanged)
    assert event.data.product_id == "576486316948490000"


@pytest.mark.parametrize(
    "audit",
    [
        {"status": "PRE_APPROVED", "pre_approved_reason": "KYC_PENDING"},
        {"status": "PRE_APPROVED", "pre_approved_reasons": ["KYC_PENDING"]},
    ],
)
def test_both_spellings_of_the_reasons_are_read(audit: Any) -> None:
    event = parse(of(37, {"product_id": 1, "audit": audit}))

    assert isinstance(event.data, webhooks.AuditChanged)
    assert event.data.audit == wire.Audit(
        status=wire.AuditStatus.PRE_APPROVED,
        pre_approved_reasons=(wire.PreApproved.KYC_PENDING,),
    )


def test_deauthorization_and_expiry_are_understood() -> None:
    gone = parse(of(6, {"message": "gone"}))
    expiring = parse(of(7, {"message": "soon", "expiration_time": "1627587506"}))

    assert gone.data == webhooks.Deauthorized(message="gone")
    assert expiring.data == webhooks.AuthorizationExpiring(
        message="soon", expiration_time=1627587506
    )


def test_an_unknown_kind_is_kept() -> None:
    event = parse(of(71, {"stock": 1}))

    assert (event.type, event.topic, event.data, event.shop_id) == (71, None, None, "7")


def test_a_known_kind_without_its_id_is_kept_as_not_understood() -> None:
    event = parse(of(1, {"number": "5"}))

    assert event.topic == wire.Topic.ORDER_STATUS_CHANGE
    assert event.data is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"type":"new"}', b"{}", b"\xff", b"[" * 9999]
)
def test_what_is_no_webhook_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid):
        parse(body)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        parse(body)
    except Invalid:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(wire.TOPICS)), JSON)
def test_any_data_is_read_or_kept_as_not_understood(kind: int, data: Any) -> None:
    assert parse(of(kind, data)).topic == wire.TOPICS[kind]
