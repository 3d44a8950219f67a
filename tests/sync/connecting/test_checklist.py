"""The checklist and the states of a shop, of everything that can be known of one."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.connecting.checklist import KNOWN_FOR_S, Inventory, Item, checklist
from sync.connecting.scopes import NEEDED, USEFUL
from sync.eligibility.shop_state import EXPIRING_S, ShopState, authorization_ends_at, shop_state
from sync.eligibility.tier import order_day
from sync.model import (
    Attempt,
    Authorization,
    ChannelRecord,
    Prerequisite,
    RemoteShop,
    Warehouse,
)
from sync.tiktok.wire import CheckItem

NOW = 1_800_000_000.0
SHOP = RemoteShop("1", "Cedar & Co", "US", "GCP_secret")
HELD = Authorization("sealed-access", "sealed-refresh", NOW + 3600, NOW + 300 * 24 * 3600)
SHIPS = Warehouse("w1", "Main", "ENABLED", "SALES_WAREHOUSE")
CONNECTED = ChannelRecord(
    authorization=HELD,
    shop=SHOP,
    prerequisites=(Prerequisite("SHOP_TAX", False),),
    prerequisites_at=NOW - 60,
    warehouses=(SHIPS,),
    warehouses_at=NOW - 60,
)
NONE = Inventory(0)


def with_(record: ChannelRecord = CONNECTED, **changes: object) -> ChannelRecord:
    return msgspec.structs.replace(record, **changes)


def item(record: ChannelRecord, code: str, inventory: Inventory = NONE, now: float = NOW) -> Item:
    (found,) = [each for each in checklist(record, inventory, now) if each.code == code]
    return found


def state(record: ChannelRecord, now: float = NOW) -> ShopState:
    return shop_state(record, now)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (ChannelRecord(), "not_connected"),
        (ChannelRecord(refusal="denied"), "not_connected"),
        (ChannelRecord(shop=SHOP), "not_connected"),
        (ChannelRecord(attempt=Attempt(NOW, code_sealed="x")), "connecting"),
        (ChannelRecord(attempt=Attempt(NOW, authorization=HELD)), "connecting"),
        (ChannelRecord(attempt=Attempt(NOW, choices=(SHOP, SHOP))), "choosing_shop"),
        (ChannelRecord(shop=SHOP, deauthorized_at=NOW), "deauthorized"),
        (ChannelRecord(authorization=HELD, shop=SHOP), "authorized"),
        (
            with_(prerequisites=(Prerequisite("SHOP_TAX", True, ("x",)),), kyc_pending=True),
            "prerequisites_failing",
        ),
        (with_(kyc_pending=True, tier="pro"), "kyc_pending"),
        (CONNECTED, "probation"),
        (with_(tier="beginner"), "probation"),
        (with_(tier="pro"), "live"),
        (with_(tier="pro", attempt=Attempt(NOW, code_sealed="x")), "live"),
    ],
)
def test_each_state_has_its_cause_and_its_words(record: ChannelRecord, expected: str) -> None:
    found = state(record)

    assert found.state == expected
    assert found.text


@pytest.mark.parametrize(
    ("record", "conditions"),
    [
        (CONNECTED, ()),
        (with_(warehouses=(SHIPS, Warehouse("w2", "B", "RESTRICTED"))), ("restricted",)),
        (with_(tier="pro", warehouses=(Warehouse("w", "B", "RESTRICTED"),)), ("holiday",)),
        (
            with_(tier="beginner", orders_day=order_day(NOW), orders_count=49),
            (),
        ),
        (
            with_(
                tier="beginner",
                orders_day=order_day(NOW),
                orders_count=50,
                warehouses=(Warehouse("w", "B", "RESTRICTED"),),
            ),
            ("order_limited",),
        ),
        (with_(tier="beginner", orders_day="2020-01-01", orders_count=50), ()),
        (with_(authorization_ends_at=NOW + EXPIRING_S), ("authorization_expiring",)),
        (with_(authorization_ends_at=NOW + EXPIRING_S + 1), ()),
        (ChannelRecord(shop=SHOP, warehouses=(Warehouse("w", "B", "RESTRICTED"),)), ()),
    ],
)
def test_conditions_hold_beside_the_state(
    record: ChannelRecord, conditions: tuple[str, ...]
) -> None:
    assert state(record).conditions == conditions


def test_an_authorization_ends_when_the_first_word_of_it_says() -> None:
    assert authorization_ends_at(ChannelRecord()) is None
    assert authorization_ends_at(CONNECTED) == HELD.refresh_expires_at
    assert authorization_ends_at(with_(authorization_ends_at=NOW)) == NOW


def test_a_new_shop_is_led_from_the_account_to_the_inventory() -> None:
    items = checklist(ChannelRecord(), NONE, NOW)

    assert [(each.code, each.state) for each in items] == [
        ("account", "todo"),
        ("shop", "todo"),
        ("prerequisites", "unknown"),
        ("warehouses", "unknown"),
        ("tier", "todo"),
        ("inventory", "todo"),
    ]
    assert all(each.next_step for each in items)


@pytest.mark.parametrize(
    "check", sorted(value for name, value in vars(CheckItem).items() if name.isupper())
)
def test_each_of_tiktoks_checks_has_its_own_next_step(check: str) -> None:
    failing = item(with_(prerequisites=(Prerequisite(check, True, ("Because.",)),)), check.lower())
    passed = item(with_(prerequisites=(Prerequisite(check, False),)), check.lower())

    assert (failing.state, failing.said) == ("failing", ("Because.",))
    assert "See in TikTok's Seller Center" not in failing.next_step
    assert (passed.state, passed.next_step) == ("done", "")


def test_a_check_that_we_do_not_know_is_shown_as_tiktok_names_it() -> None:
    found = item(with_(prerequisites=(Prerequisite("LIVE_PERMIT", True, ("No.",)),)), "live_permit")

    assert (found.title, found.state, found.said) == ("Live permit", "failing", ("No.",))
    assert found.next_step


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (CONNECTED, "done"),
        (with_(warehouses=()), "failing"),
        (with_(warehouses=(Warehouse("r", "Returns", "ENABLED", "RETURN_WAREHOUSE"),)), "failing"),
        (with_(warehouses=(Warehouse("w", "Main", "DISABLED"),)), "failing"),
        (with_(warehouses=(Warehouse("w", "Main", "SLEEPING"),)), "failing"),
        (with_(warehouses=(Warehouse("w", "Main", "RESTRICTED"),)), "waiting"),
        (with_(warehouses_at=None), "unknown"),
    ],
)
def test_a_warehouse_must_ship(record: ChannelRecord, expected: str) -> None:
    assert item(record, "warehouses").state == expected


def test_what_tiktok_said_too_long_ago_is_unknown() -> None:
    later = NOW - 60 + KNOWN_FOR_S

    assert item(CONNECTED, "shop_tax", now=later).state == "done"
    assert item(CONNECTED, "prerequisites", now=later + 1).state == "unknown"
    assert item(CONNECTED, "warehouses", now=later + 1).state == "unknown"


@pytest.mark.parametrize(
    ("record", "expected", "said"),
    [
        (ChannelRecord(attempt=Attempt(NOW, code_sealed="x")), "waiting", ()),
        (ChannelRecord(attempt=Attempt(NOW, choices=(SHOP,))), "todo", ("Cedar & Co",)),
        (ChannelRecord(refusal="It was denied."), "failing", ("It was denied.",)),
        (ChannelRecord(deauthorized_at=NOW, last_error="Gone."), "failing", ("Gone.",)),
        (CONNECTED, "done", ("Cedar & Co",)),
    ],
)
def test_the_shop_is_connected_or_says_why_not(
    record: ChannelRecord, expected: str, said: tuple[str, ...]
) -> None:
    found = item(record, "shop")

    assert (found.state, found.said) == (expected, said)


def test_what_the_app_was_not_granted_is_named_with_what_is_lost() -> None:
    def granted(*scopes: str) -> ChannelRecord:
        return with_(authorization=msgspec.structs.replace(HELD, scopes=scopes))

    without = item(granted(*NEEDED), "permissions")

    assert without.state == "todo"
    assert without.said == tuple(USEFUL)
    assert all(words in without.next_step for pair in USEFUL.items() for words in pair)
    assert item(granted(*NEEDED, *USEFUL), "permissions").state == "done"
    assert "permissions" not in {each.code for each in checklist(CONNECTED, NONE, NOW)}


@pytest.mark.parametrize(
    ("record", "inventory", "expected"),
    [
        (CONNECTED, Inventory(0), "todo"),
        (ChannelRecord(), Inventory(5), "todo"),
        (with_(auto_sync=False), Inventory(5), "todo"),
        (CONNECTED, Inventory(5), "unknown"),
        (CONNECTED, Inventory(5, listed=2, has_eligible=False), "waiting"),
        (CONNECTED, Inventory(5, listed=0, has_eligible=False), "failing"),
        (CONNECTED, Inventory(5, listed=2, has_eligible=True), "done"),
        (ChannelRecord(), Inventory(5, listed=2, has_eligible=True), "todo"),
    ],
)
def test_inventory_must_be_eligible(
    record: ChannelRecord, inventory: Inventory, expected: str
) -> None:
    assert item(record, "inventory", inventory).state == expected


times = st.none() | st.floats(NOW - 10 * EXPIRING_S, NOW + 10 * EXPIRING_S)
words = st.text(max_size=20)
records = st.builds(
    ChannelRecord,
    authorization=st.none() | st.just(HELD),
    shop=st.none() | st.just(SHOP),
    attempt=st.none()
    | st.builds(
        Attempt,
        began_at=st.just(NOW),
        choices=st.just(()) | st.just((SHOP,)),
    ),
    refusal=words,
    tier=st.sampled_from([None, "beginner", "standard", "premium", "pro"]),
    account_attested_at=times,
    auto_sync=st.booleans(),
    prerequisites=st.lists(
        st.builds(Prerequisite, item=words, failed=st.booleans(), reasons=st.just(("x",))),
        max_size=3,
    ).map(tuple),
    prerequisites_at=times,
    warehouses=st.lists(
        st.builds(Warehouse, id=words, name=words, status=words, type=words), max_size=3
    ).map(tuple),
    warehouses_at=times,
    kyc_pending=st.booleans(),
    deauthorized_at=times,
    authorization_ends_at=times,
    last_error=words,
    orders_day=st.sampled_from(["", order_day(NOW)]),
    orders_count=st.integers(0, 1000),
)
inventories = st.builds(
    Inventory,
    products=st.integers(0, 100),
    listed=st.integers(0, 100),
    has_eligible=st.none() | st.booleans(),
)


@given(records, inventories)
def test_whatever_is_known_every_open_item_says_what_to_do(
    record: ChannelRecord, inventory: Inventory
) -> None:
    items = checklist(record, inventory, NOW)
    found = shop_state(record, NOW)

    assert all(bool(each.next_step) == (each.state != "done") for each in items)
    assert found.text
    assert (
        found.state in ("authorized", "prerequisites_failing", "kyc_pending", "probation", "live")
    ) == record.is_connected
    assert record.is_connected or not found.conditions
    text = msgspec.json.encode((items, found)).decode()
    assert "sealed" not in text
    assert SHOP.cipher not in text
