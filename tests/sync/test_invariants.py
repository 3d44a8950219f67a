"""What must hold of stock, orders and listings whatever happens, and the tests that hold it."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]


class Invariant(NamedTuple):
    """`tests` are names of tests and of state machines by the files that they are in."""

    says: str
    tests: dict[str, tuple[str, ...]]


INVARIANTS = {
    1: Invariant(
        "accepted units of all channels are never more than there are",
        {
            "tests/sync/test_selling.py": ("test_nothing_is_sold_twice_and_no_order_is_lost",),
            "tests/sync/test_allocation.py": ("TestSelling", "TestSellingBesideOthers"),
            "tests/sync/sidecar/test_escrow.py": (
                "test_who_buys_between_our_read_and_our_write_has_what_was_set_aside",
                "test_a_crash_at_any_step_oversells_nothing_and_is_made_good",
            ),
            "tests/sync/orders/test_desk.py": ("test_no_unit_is_sold_to_two",),
        },
    ),
    2: Invariant(
        "on_hand = free + quotas + committed, none below 0",
        {
            "tests/sync/store/test_ledger_rules.py": ("TestLedgerRules",),
            "tests/sync/test_selling.py": ("test_nothing_is_sold_twice_and_no_order_is_lost",),
        },
    ),
    3: Invariant(
        "copies of a notification, and of an order's line, have one effect",
        {
            "tests/api/test_tiktok_webhooks.py": ("test_a_webhook_is_kept_as_a_hint_once",),
            "tests/sync/orders/test_taking.py": (
                "test_webhooks_that_come_twice_have_one_effect",
                "test_two_takers_of_the_same_orders_take_them_once",
            ),
        },
    ),
    4: Invariant(
        "webhooks are hints, and an older update takes no state back",
        {
            "tests/sync/orders/test_taking.py": (
                "test_webhooks_in_another_order_lead_to_the_same",
                "test_an_older_answer_takes_nothing_back",
            ),
        },
    ),
    5: Invariant(
        "with every webhook lost, polls recover every order",
        {
            "tests/sync/orders/test_taking.py": (
                "test_a_look_finds_what_webhooks_lost",
                "test_what_becomes_visible_late_is_found_by_a_deep_look",
            ),
            "tests/api/test_orders_of_tiktok.py": (
                "test_what_is_bought_is_found_though_no_webhook_comes",
            ),
        },
    ),
    6: Invariant(
        "after a crash between taking in and acknowledging, doing it again changes nothing",
        {
            "tests/sync/orders/test_taking.py": (
                "test_a_crash_between_orders_and_watermark_changes_nothing",
                "test_a_crash_before_a_hint_is_struck_off_changes_nothing",
            ),
            "tests/crash/test_killing.py": (
                "test_whatever_is_killed_the_books_are_those_that_were_acknowledged",
            ),
        },
    ),
    7: Invariant(
        "a create that was done without an answer makes one product",
        {
            "tests/sync/tiktok/test_against_sandbox.py": (
                "test_a_create_that_was_done_without_an_answer_makes_one_product",
            ),
            "tests/sync/sidecar/test_listing.py": (
                "test_a_create_that_fails_on_its_way_makes_one_product",
            ),
        },
    ),
    8: Invariant(
        "of a batch that failed in part, the SKUs that failed are tried again",
        {"tests/sync/sidecar/test_listing.py": ("test_only_the_skus_that_failed_are_tried_again",)},
    ),
    9: Invariant(
        "calls that meet an expired token at once renew it once, and use it once it is stored",
        {
            "tests/sync/tiktok/test_against_sandbox.py": (
                "test_many_calls_with_an_expired_token_refresh_it_once",
            ),
            "tests/sync/connecting/test_tokens.py": (
                "test_calls_that_meet_an_expired_token_at_once_renew_it_once",
                "test_two_servers_on_one_redis_renew_once",
                "test_redis_away_after_tiktoks_answer_loses_nothing",
            ),
        },
    ),
    10: Invariant(
        "UNPAID holds, CANCELLED releases once, a late cancellation puts nothing back",
        {
            "tests/sync/orders/test_taking.py": (
                "test_an_order_goes_its_way",
                "test_part_of_an_order_is_cancelled",
                "test_a_late_cancel_puts_nothing_back_on_the_shelf",
            ),
            "tests/sync/test_allocation.py": (
                "test_a_cancelled_unit_goes_back_to_the_quota_and_raises_a_doubt",
                "test_a_late_cancellation_puts_nothing_back_and_is_looked_into",
            ),
        },
    ),
    11: Invariant(
        "reconciling reports drift, and a second run changes nothing",
        {
            "tests/sync/sidecar/test_escrow.py": (
                "test_what_a_seller_sets_at_tiktok_is_reported_and_undone_once",
            ),
            "tests/sync/test_selling.py": ("test_nothing_is_sold_twice_and_no_order_is_lost",),
        },
    ),
    12: Invariant(
        "every line counts in one channel and at most one LIVE, channels add up to the total, and "
        "a cancellation is taken back once",
        {
            "tests/sync/sales/test_report.py": (
                "test_every_line_counts_in_exactly_one_channel_and_at_most_one_live",
                "test_every_report_adds_up_to_the_same_total",
                "test_a_cancellation_is_taken_back_once_and_in_the_hour_of_the_order",
            ),
            "tests/sync/sales/test_rooms.py": (
                "test_each_room_has_at_most_one_show_and_that_was_live",
            ),
        },
    ),
}


@pytest.mark.parametrize("number", INVARIANTS)
def test_each_invariant_is_held_by_the_tests_that_are_named(number: int) -> None:
    for path, names in INVARIANTS[number].tests.items():
        text = (ROOT / path).read_text()
        there = set(re.findall(r"^(?:async def|def) (test_\w+)|^(Test\w+) =", text, re.MULTILINE))
        assert set(names) <= {name for pair in there for name in pair}
