"""Where a product's card may be seen: the table of rules."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.show.showing import Standing, hidden
from sync.eligibility.badge import COLOURS, unread
from sync.eligibility.badges import Looked
from sync.model import TIKTOK, Badge, ChannelId, Eligibility
from tests.sync.things import product

SHOP = ChannelId("shop")


def badge(channel: ChannelId, eligibility: Eligibility) -> Badge:
    return Badge(channel, eligibility, COLOURS[eligibility], sold_out=False)


SELLING = Looked(product(), 3, {TIKTOK: badge(TIKTOK, "eligible")})
STANDING = Standing(True, True, SELLING, SELLING.badges)


def of_looked(**changes: object) -> Standing:
    looked = msgspec.structs.replace(SELLING, **changes)
    return Standing(True, True, looked, looked.badges)


def of_badges(**eligibilities: Eligibility) -> Standing:
    return of_looked(
        badges={ChannelId(key): badge(ChannelId(key), each) for key, each in eligibilities.items()}
    )


def become(standing: Standing, code: str) -> Standing:
    """Nothing is known for sure any more."""
    return standing._replace(badges={key: unread(key, code) for key in standing.badges})


@pytest.mark.parametrize(
    ("standing", "at_tiktok", "elsewhere"),
    [
        (STANDING, None, None),
        (of_badges(tiktok="pending"), "tiktok_not_green", None),
        (of_badges(tiktok="unknown"), "tiktok_not_green", None),
        (of_badges(tiktok="ineligible"), "badge_red", "badge_red"),
        (of_badges(tiktok="eligible", shop="ineligible"), "badge_red", "badge_red"),
        (of_badges(tiktok="eligible", shop="pending"), None, None),
        (of_badges(shop="eligible"), "tiktok_not_a_channel", None),
        (of_looked(badges={}), "tiktok_not_a_channel", None),
        (become(STANDING, "store_away"), "tiktok_not_green", None),
        (become(of_badges(tiktok="ineligible"), "store_away"), "badge_red", "badge_red"),
        (become(of_looked(available=0), "store_away"), "sold_out", "sold_out"),
        (of_looked(available=0), "sold_out", "sold_out"),
        (of_looked(product=product(status="draft")), "not_active", "not_active"),
        (of_looked(product=product(status="archived")), "not_active", "not_active"),
        (STANDING._replace(looked=None), "product_gone", "product_gone"),
        (STANDING._replace(looked=None, is_looked_at=False), "not_looked", "not_looked"),
        (STANDING._replace(is_on_rundown=False), "not_on_rundown", "not_on_rundown"),
    ],
)
def test_a_product_is_hidden_for_its_worst_reason(
    standing: Standing, at_tiktok: str | None, elsewhere: str | None
) -> None:
    found = [hidden(standing, to_tiktok) for to_tiktok in (True, False)]
    assert [why and why.code for why in found] == [at_tiktok, elsewhere]


ELIGIBILITIES: st.SearchStrategy[Eligibility] = st.sampled_from(list(COLOURS))


@given(ELIGIBILITIES, ELIGIBILITIES, st.integers(0, 2), st.booleans(), st.booleans())
def test_tiktok_never_sees_what_is_not_green_there_or_cannot_be_sold(
    at_tiktok: Eligibility, at_shop: Eligibility, available: int, is_away: bool, is_active: bool
) -> None:
    standing = of_looked(
        available=available,
        product=product(status="active" if is_active else "draft"),
        badges={TIKTOK: badge(TIKTOK, at_tiktok), SHOP: badge(SHOP, at_shop)},
    )
    if is_away:
        standing = become(standing, "store_away")
    is_red = "ineligible" in (at_tiktok, at_shop)
    sellable = available > 0 and is_active and not is_red
    assert (hidden(standing, to_tiktok=False) is None) == sellable
    is_green = at_tiktok == "eligible" and not is_away
    assert (hidden(standing, to_tiktok=True) is None) == (sellable and is_green)
