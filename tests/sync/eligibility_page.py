"""docs/eligibility.md, made from the tables of sync.eligibility: its reasons and its verdict.

`make gallery` writes it anew.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from sync.eligibility.badge import COLOURS
from sync.eligibility.local_rules import RULES_GOOD_FOR_S
from sync.eligibility.reasons import LOCAL, OTHER, REASONS, SHOP, VERDICT, Kind
from sync.eligibility.tier import TIERS
from sync.eligibility.verdict import (
    AUDITS,
    SHOP_GOOD_FOR_S,
    SHOPS,
    VERDICT_GOOD_FOR_S,
    VERDICTS,
    WORST_FIRST,
)
from sync.model import Eligibility

PAGE = Path(__file__).parents[2] / "docs" / "eligibility.md"

_VERDICT_H, _SHOP_H = VERDICT_GOOD_FOR_S / 3600, SHOP_GOOD_FOR_S / 3600
_RULES_D = RULES_GOOD_FOR_S / 86400

HEAD = f"""# Which products may be sold, and why not

Every product has a badge for each channel. Its reasons come worst first, each with what to do about
it, and the worst one makes the colour. This page is made from the tables that the server goes by,
by `make gallery`.

| colour | eligibility | |
|---|---|---|
| green | eligible | TikTok sells it: `ACTIVATE` and `APPROVED`, nothing below against it |
| amber | pending | it may come by itself, or takes a step at TikTok |
| red | ineligible | it is not sold as it is |
| grey | unknown | not known, or known too long ago |

Sold out is a flag beside the colour, not a colour. What TikTok said of a product counts for
{_VERDICT_H:g} h, of the shop for {_SHOP_H:g} h, and what it asks in a category for
{_RULES_D:g} days; then a badge that rests on it is grey until TikTok says it again. What the shop
sees by itself does not age. On channels other than TikTok the shop sells by itself: `not_active`,
`left_out`, `skus_none` and `sold_out` alone count there.
"""

_TITLES: dict[str, tuple[str, Mapping[str, Kind]]] = {
    "The product": ("What the shop sees before TikTok says anything.", LOCAL),
    "The shop at TikTok": ("What holds for all of its products.", SHOP),
    "TikTok's verdict": ("What TikTok makes of the product.", VERDICT),
    "Other": ("", OTHER),
}


def page() -> str:
    return "\n".join([HEAD, *_table(), *_tiers(), *_reasons()])


def _table() -> Iterator[str]:
    yield "## Status × review × shop\n"
    yield "With nothing else against the product.\n"
    yield f"| status | review | {' | '.join(SHOPS)} |"
    yield "|---" * (2 + len(SHOPS)) + "|"
    for status, by_audit in VERDICTS.items():
        for audit, code in zip(AUDITS, by_audit, strict=True):
            cells = " | ".join(_colour(code, shop) for shop in SHOPS.values())
            yield f"| {status} | {audit} | {cells} |"
    cells = " | ".join(_colour("status_unknown", shop) for shop in SHOPS.values())
    yield f"| any other | any | {cells} |"
    yield ""


def _colour(*codes: str | None) -> str:
    """Of the worst of the reasons."""
    found: list[Eligibility] = [REASONS[code].eligibility for code in codes if code is not None]
    return COLOURS[min(found, key=WORST_FIRST.index)]


def _tiers() -> Iterator[str]:
    yield "## Probation\n"
    yield "No call tells the tier: the shop says it under Channels. Days are those of UTC.\n"
    yield "| tier | products | orders a day |"
    yield "|---|---|---|"
    for tier, limits in TIERS.items():
        yield f"| {tier} | {limits.products or 'any'} | {limits.orders_a_day or 'any'} |"
    yield ""


def _reasons() -> Iterator[str]:
    yield "## Reasons\n"
    for title, (about, kinds) in _TITLES.items():
        yield f"### {title}\n"
        if about:
            yield f"{about}\n"
        yield "| code | colour at best | reason | what to do |"
        yield "|---|---|---|---|"
        for code, kind in kinds.items():
            colour = COLOURS[kind.eligibility]
            yield f"| `{code}` | {colour} | {_shown(kind.text)} | {_shown(kind.mend)} |"
        yield ""


def _shown(text: str) -> str:
    """`text` with what is filled in as …"""
    parts = text.split("{")
    return parts[0] + "".join("…" + part.partition("}")[2] for part in parts[1:])


def write() -> None:
    PAGE.write_text(page())


if __name__ == "__main__":
    write()
