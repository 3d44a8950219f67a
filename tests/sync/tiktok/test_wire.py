import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import Invalid
from sync.tiktok import wire
from tests.sync.tiktok.drafts import PLAIN


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(1050, "USD", "10.50"), (1, "GBP", "0.01"), (760000, "USD", "7600.00"), (500, "JPY", "500")],
)
def test_money_is_written_as_tiktok_writes_it(minor: int, currency: str, text: str) -> None:
    assert wire.amount(minor, currency) == text


@given(st.integers(0, 10**12), st.sampled_from(["USD", "GBP", "JPY", "VND"]))
def test_money_that_is_written_reads_the_same(minor: int, currency: str) -> None:
    assert wire.minor_units(wire.amount(minor, currency), currency) == minor


@pytest.mark.parametrize("text", ["", "x", "1.234", "NaN", "Infinity", "1e400", "9" * 40, None])
def test_money_that_cannot_be_told_exactly_is_not_known(text: str | None) -> None:
    assert wire.minor_units(text, "USD") is None


@given(st.text(max_size=20))
def test_money_may_be_any_text(text: str) -> None:
    wire.minor_units(text, "USD")


@pytest.mark.parametrize("id", ["", "1/../2", "1?x=2", "é", "1 2", "1\n"])
def test_what_is_no_id_never_becomes_a_path(id: str) -> None:
    with pytest.raises(Invalid):
        wire.filled(wire.GET_PRODUCT, id)


def test_batches_beyond_what_tiktok_takes_are_refused_before_they_are_sent() -> None:
    many = [str(n) for n in range(601)]
    for build in (
        lambda: wire.ids_body(many[:21]),
        lambda: wire.ids_body([]),
        lambda: wire.orders_query(many[:51]),
        lambda: wire.stock_query(many[:101], []),
        lambda: wire.stock_query([], many),
    ):
        with pytest.raises(Invalid):
            build()


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_an_idempotency_key_that_tiktok_would_not_take_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        wire.create_body(PLAIN, key, wire.SaveMode.LISTING)


def test_consent_is_asked_for_where_the_shop_is() -> None:
    assert wire.consent_url("12", "a&b", "US") == (
        "https://services.us.tiktokshop.com/open/authorize?service_id=12&state=a%26b"
    )
    assert wire.consent_url("12", "s", "GB").startswith("https://services.tiktokshop.com/")
    assert wire.consent_url("12", "s", base="http://127.0.0.1:9/open/authorize") == (
        "http://127.0.0.1:9/open/authorize?service_id=12&state=s"
    )


def test_a_category_goes_with_the_version_of_its_tree() -> None:
    assert wire.product_body(PLAIN)["category_version"] == "v2"
    assert wire.product_body(wire.Changes(category_id="1"))["category_version"] == "v2"
    assert wire.product_body(wire.Changes(title="New")) == {"title": "New"}


@pytest.mark.parametrize(
    ("why", "status", "region", "reason"),
    [
        ("out_of_stock", "UNPAID", "US", "seller_cancel_unpaid_reason_out_of_stock"),
        ("out_of_stock", "ON_HOLD", "US", "seller_cancel_reason_out_of_stock"),
        ("wrong_price", "AWAITING_SHIPMENT", "GB", "seller_cancel_reason_wrong_price_uk"),
        ("undeliverable", None, "US", "seller_cancel_paid_reason_address_not_deliver"),
    ],
)
def test_a_reason_to_cancel_is_one_of_the_orders_status_and_market(
    why: wire.CancelWhy, status: str | None, region: str, reason: str
) -> None:
    assert wire.cancel_reason(why, status, region) == reason


@pytest.mark.parametrize(
    ("why", "status", "region"),
    [("unpaid", "ON_HOLD", "US"), ("undeliverable", "UNPAID", "US"), ("buyer_asked", "", "GB")],
)
def test_a_reason_that_tiktok_does_not_take_is_refused(
    why: wire.CancelWhy, status: str, region: str
) -> None:
    with pytest.raises(Invalid):
        wire.cancel_reason(why, status, region)


def test_there_is_a_yes_and_a_no_to_all_that_a_return_waits_for() -> None:
    asked = {value for name, value in vars(wire.SellerAction).items() if not name.startswith("_")}

    assert wire.APPROVALS.keys() == wire.REJECTIONS.keys() == asked - {wire.SellerAction.CANCEL}


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_of_an_approval_that_tiktok_would_not_take_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        wire.idempotency_query(key)
