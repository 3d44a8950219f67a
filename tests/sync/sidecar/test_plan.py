"""The plan against a TikTok of a few lines: its changes lead to the goal from anywhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from sync.model import Failure, Listing, ProductId, SkuId
from sync.sidecar.plan import (
    FIRST_RETRY_S,
    FOUND_WITHIN_S,
    LONGEST_RETRY_S,
    Activate,
    Change,
    Create,
    Deactivate,
    Delete,
    Edit,
    Forget,
    Goal,
    SetPrices,
    SetStocks,
    Wait,
    about,
    changes,
    is_held,
    retry_at,
)

PRODUCT = ProductId("p_1")
SKUS = (SkuId("s_1"), SkuId("s_2"))
STATUSES = (
    "DRAFT",
    "PENDING",
    "FAILED",
    "ACTIVATE",
    "SELLER_DEACTIVATED",
    "PLATFORM_DEACTIVATED",
    "FREEZE",
    "DELETED",
    "SOMETHING_NEW",
    None,
)

goals = st.builds(
    Goal,
    presence=st.sampled_from(("sold", "stopped", "parked", "deleted")),
    content=st.sampled_from(("one", "two")),
    structure=st.sampled_from(("small", "large")),
    prices=st.fixed_dictionaries(dict.fromkeys(SKUS, st.integers(1, 2))),
    stocks=st.fixed_dictionaries(dict.fromkeys(SKUS, st.integers(0, 2))),
)
amounts = st.dictionaries(st.sampled_from(SKUS), st.integers(0, 2))
listings = st.builds(
    Listing,
    product=st.just(PRODUCT),
    create_key=st.just("key"),
    remote_id=st.just("17"),
    remote_skus=st.just({sku: f"r{sku}" for sku in SKUS}),
    status=st.sampled_from(STATUSES),
    content=st.sampled_from(("one", "two", "")),
    structure=st.sampled_from(("small", "large", "")),
    prices=amounts,
    stocks=amounts,
    parked=st.booleans(),
)


def listing(**fields: object) -> Listing:
    there = Listing(
        PRODUCT,
        "key",
        remote_id="17",
        remote_skus={SKUS[0]: "r1"},
        status="ACTIVATE",
        content="one",
        structure="small",
        prices={SKUS[0]: 100},
        stocks={SKUS[0]: 5},
    )
    return msgspec.structs.replace(there, **fields)


def goal(**fields: object) -> Goal:
    there = Goal("sold", "one", "small", {SKUS[0]: 100}, {SKUS[0]: 5})
    return msgspec.structs.replace(there, **fields)


@dataclass
class Shop:
    """Does what it is told, passes every audit at once."""

    listing: Listing | None
    done: list[Change] = field(default_factory=list)

    def do(self, change: Change, goal: Goal) -> None:
        self.done.append(change)
        there = self.listing
        whole = {
            "content": goal.content,
            "structure": goal.structure,
            "prices": goal.prices,
            "stocks": goal.stocks,
            "status": "ACTIVATE",
        }
        match change:
            case Create():
                there = Listing(
                    PRODUCT,
                    "key",
                    "18",
                    {sku: f"r{sku}" for sku in SKUS},
                    **whole,  # type: ignore[arg-type]
                )
            case Forget():
                there = None
            case _:
                assert there is not None
                there = msgspec.structs.replace(there, **self._fields(change, there, goal, whole))
        self.listing = there

    def _fields(
        self, change: Change, there: Listing, goal: Goal, whole: Mapping[str, object]
    ) -> Mapping[str, object]:
        match change:
            case Edit(whole=True):
                return whole
            case Edit():
                return {"content": goal.content}
            case SetPrices(prices):
                assert there.status == "ACTIVATE"
                return {"prices": there.prices | prices}
            case SetStocks(stocks):
                return {"stocks": there.stocks | stocks}
            case Activate():
                return {"status": "ACTIVATE", "parked": False}
            case Deactivate():
                return {"status": "SELLER_DEACTIVATED", "parked": True}
            case Delete():
                return {"status": "DELETED"}
        raise AssertionError(change)


def settled(goal: Goal, there: Listing | None) -> Shop:
    shop = Shop(there)
    for _ in range(8):
        possible = [each for each in changes(goal, shop.listing, {}) if not isinstance(each, Wait)]
        if not possible:
            return shop
        shop.do(possible[0], goal)
    raise AssertionError(f"it does not come to an end: {shop.done}")


@given(goals, listings)
def test_the_changes_come_to_an_end_and_lead_to_the_goal(goal: Goal, there: Listing) -> None:
    shop = settled(goal, there)
    now = shop.listing
    match goal.presence:
        case "deleted":
            assert now is None
        case "parked":
            assert now is not None
            assert now.status not in ("ACTIVATE", "PENDING", "SOMETHING_NEW", None)
        case "stopped":
            assert now is not None
            assert now.status in ("FREEZE", "DELETED") or not any(now.stocks.values())
        case "sold":
            assert now is not None
            if now.status not in ("FREEZE", "DELETED"):
                assert (now.content, now.structure) == (goal.content, goal.structure)
                assert now.stocks == goal.stocks
            if now.status == "ACTIVATE":
                assert now.prices == goal.prices


@given(goals, listings)
def test_what_is_there_is_never_created_twice(goal: Goal, there: Listing) -> None:
    created = [each for each in settled(goal, there).done if isinstance(each, Create)]
    assert not created or there.status == "DELETED"


@given(goals, listings)
def test_nothing_is_deactivated_or_deleted_while_a_show_is_on_air(
    goal: Goal, there: Listing
) -> None:
    assert not any(
        isinstance(each, Deactivate | Delete) for each in changes(goal, there, {}, on_air=True)
    )


@given(goals, listings)
def test_sales_are_stopped_before_anything_else_is_done(goal: Goal, there: Listing) -> None:
    found = changes(goal, there, {})
    stocks = [each for each in found if isinstance(each, SetStocks)]
    assert not stocks or found[0] == stocks[0]


def test_what_is_as_it_should_be_needs_nothing() -> None:
    assert changes(goal(), listing(), {}) == []


def test_another_price_alone_is_set_without_an_audit() -> None:
    assert changes(goal(prices={SKUS[0]: 90}), listing(), {}) == [SetPrices({SKUS[0]: 90})]


def test_another_price_waits_for_the_end_of_the_audit() -> None:
    (change,) = changes(goal(prices={SKUS[0]: 90}), listing(status="PENDING"), {})
    assert isinstance(change, Wait)


def test_another_price_of_a_failed_product_is_sent_to_audit() -> None:
    (change,) = changes(goal(prices={SKUS[0]: 90}), listing(status="FAILED"), {})
    assert isinstance(change, Edit)
    assert change.whole


def test_another_text_leaves_the_skus_alone() -> None:
    (change,) = changes(goal(content="two"), listing(), {})
    assert isinstance(change, Edit)
    assert not change.whole


def test_what_the_seller_has_deactivated_at_tiktok_stays_so() -> None:
    assert changes(goal(), listing(status="SELLER_DEACTIVATED"), {}) == []


def test_what_we_have_deactivated_is_activated_again() -> None:
    there = listing(status="SELLER_DEACTIVATED", parked=True)
    assert changes(goal(), there, {}) == [Activate()]


def test_what_was_deleted_at_tiktok_is_made_anew_only_when_it_is_changed_here() -> None:
    there = listing(status="DELETED")
    assert changes(goal(), there, {}) == []
    (change,) = changes(goal(content="two"), there, {})
    assert isinstance(change, Create)
    assert change.again


def test_a_create_waits_for_the_images() -> None:
    assert changes(goal(wait="its images are being fetched"), None, {}) == [
        Wait("its images are being fetched")
    ]


def test_a_product_that_may_have_been_created_is_looked_for_before_it_is_forgotten() -> None:
    there = Listing(PRODUCT, "key", sending="one", sent_at=1000.0)
    gone = goal(presence="deleted")
    early, late = 1000.0 + FOUND_WITHIN_S - 1.0, 1000.0 + FOUND_WITHIN_S
    for searched_at in (None, early):
        (change,) = changes(gone, there, {}, searched_at=searched_at)
        assert isinstance(change, Wait)
    assert changes(gone, there, {}, searched_at=late) == [Forget()]


def failure(change: Change, tries: int = 1) -> Failure:
    return Failure("1", "no", 1000.0, tries, about(change))


def test_what_failed_is_tried_again_each_time_twice_as_late() -> None:
    change = Edit("one", False)
    for tries, pause_s in ((1, FIRST_RETRY_S), (2, 2 * FIRST_RETRY_S), (99, LONGEST_RETRY_S)):
        failed = failure(change, tries)
        assert retry_at(failed) == 1000.0 + pause_s
        assert is_held(change, failed, 1000.0 + pause_s - 1)
        assert not is_held(change, failed, 1000.0 + pause_s)


def test_something_else_than_what_failed_is_tried_at_once() -> None:
    assert not is_held(Edit("two", False), failure(Edit("one", False)), 1000.0)


def test_stock_is_set_although_an_edit_failed() -> None:
    assert not is_held(SetStocks({SKUS[0]: 0}), failure(Edit("one", False)), 1000.0)


def test_stock_that_failed_waits_for_its_time() -> None:
    change = SetStocks({SKUS[0]: 0})
    assert is_held(change, failure(change), 1000.0)
    assert is_held(Edit("one", False), failure(change), 1000.0)
