import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.catalogue.money import LARGEST, decimal, is_currency, minor_units, priced


@pytest.mark.parametrize(
    ("text", "currency", "units"),
    [
        ("12.50", "USD", 1250),
        ("12.5", "USD", 1250),
        ("12", "USD", 1200),
        ("0.01", "USD", 1),
        ("12.5000", "USD", 1250),
        ("500", "JPY", 500),
        ("500.00", "JPY", 500),
        ("1.234", "KWD", 1234),
    ],
)
def test_a_decimal_is_so_many_minor_units_of_its_currency(
    text: str, currency: str, units: int
) -> None:
    assert minor_units(text, currency) == units


@pytest.mark.parametrize(
    ("text", "currency", "reason"),
    [
        ("12,50", "USD", "has a comma"),
        ("1,250.00", "USD", "has a comma"),
        ("$5", "USD", r"has '\$' in it"),
        ("5 EUR", "USD", "has 'EUR' in it"),
        ("-5", "USD", "is negative"),
        ("12.505", "USD", r"has more decimals than USD has \(2\)"),
        ("0.5", "JPY", r"has more decimals than JPY has \(0\)"),
        ("", "USD", "is not a decimal number"),
        ("1e3", "USD", "has 'e' in it"),
        ("١٢", "USD", "in it: write the number alone"),
        ("1.2.3", "USD", "is not a decimal number"),
        ("99999999999999", "USD", "is too large"),
    ],
)
def test_what_is_no_price_is_refused_with_what_is_wrong(
    text: str, currency: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        minor_units(text, currency)


@given(st.integers(0, LARGEST), st.sampled_from(["USD", "JPY", "KWD"]))
def test_a_written_amount_is_read_as_the_same(units: int, currency: str) -> None:
    assert minor_units(decimal(units, currency), currency) == units


def test_amounts_are_written_with_all_decimals() -> None:
    assert [decimal(5, "USD"), decimal(-1250, "USD"), decimal(5, "JPY"), decimal(5, "KWD")] == [
        "0.05",
        "-12.50",
        "5",
        "0.005",
    ]


def test_a_currency_is_three_capital_letters() -> None:
    assert is_currency("USD")
    assert not any(map(is_currency, ["usd", "US", "USDT", "", "U$D"]))


@pytest.mark.parametrize(
    ("units", "currency", "price"),
    [
        (1250, "USD", "$12.50"),
        (125_000_05, "EUR", "€125,000.05"),
        (5, "GBP", "£0.05"),
        (1250, "JPY", "¥1,250"),
        (1250, "CHF", "12.50 CHF"),
        (1250, "KWD", "1.250 KWD"),
        (0, "USD", "$0.00"),
    ],
)
def test_a_price_is_written_as_people_read_it(units: int, currency: str, price: str) -> None:
    assert priced(units, currency) == price
