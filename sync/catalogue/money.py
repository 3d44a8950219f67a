"""Money: whole minor units of a currency, to and from the decimals of files and APIs. Pure."""

import re
from collections.abc import Mapping
from typing import Final

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"

EXPONENTS: Final[Mapping[str, int]] = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
}
"""How many decimals a currency has, where these are not two (ISO 4217, list one)."""

SIGNS: Final[Mapping[str, str]] = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "INR": "₹",
    "KRW": "₩",
    "PHP": "₱",
    "VND": "₫",
    "BRL": "R$",
    "CAD": "CA$",
    "AUD": "A$",
    "MXN": "MX$",
}
"""How a price begins in currencies whose sign is taken for no other."""

LARGEST: Final = 10**12
"""Minor units: far above any price, and exact wherever a number is a double."""

_CURRENCY = re.compile(r"[A-Z]{3}")
_DECIMAL = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,15}))?")
_SIGNED_BY = re.compile(r"[^0-9.,+\s-]+")


def is_currency(code: str) -> bool:
    """Whether `code` is of the form of ISO 4217: three capital letters."""
    return _CURRENCY.fullmatch(code) is not None


def exponent(currency: str) -> int:
    return EXPONENTS.get(currency, 2)


def minor_units(text: str, currency: str) -> int:
    """`text`, a decimal such as "12.50", in minor units of `currency`.

    Raises ValueError with what is wrong, in words for whoever wrote it.
    """
    found = _DECIMAL.fullmatch(text)
    if found is None:
        raise ValueError(_fault(text))
    decimals = exponent(currency)
    whole, fraction = found[1], (found[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise ValueError(f"has more decimals than {currency} has ({decimals})")
    units = int(whole + fraction.ljust(decimals, "0"))
    if units > LARGEST:
        raise ValueError("is too large")
    return units


def decimal(units: int, currency: str) -> str:
    """`units` as a decimal with all the decimals of `currency`, such as "12.50"."""
    decimals = exponent(currency)
    if decimals == 0:
        return str(units)
    digits = str(abs(units)).rjust(decimals + 1, "0")
    return f"{'-' if units < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"


def priced(units: int, currency: str) -> str:
    """`units` as a price for people, such as "$1,250.00"; a currency without a sign of its own
    that all know keeps its code: "1,250.00 CHF"."""
    whole, point, fraction = decimal(units, currency).partition(".")
    amount = f"{int(whole):,}{point}{fraction}"
    sign = SIGNS.get(currency)
    return f"{amount} {currency}" if sign is None else f"{sign}{amount}"


def _fault(text: str) -> str:
    if "," in text:
        return "has a comma: write decimals with a point and thousands without anything, as 1250.00"
    if text.startswith("-"):
        return "is negative"
    if sign := _SIGNED_BY.search(text):
        return f"has {sign[0]!r} in it: write the number alone, as 12.50"
    return "is not a decimal number such as 12.50"
