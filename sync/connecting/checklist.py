"""What a shop needs to sell on TikTok, item by item: how it stands, what TikTok said of it, and
what to do next. Pure.

The three things a seller brings (an account, a shop, inventory that is eligible), TikTok's own
checks of the shop, its warehouses, and the tier of its probation.
"""

from typing import Literal

import msgspec

from sync.connecting import scopes
from sync.model import ChannelRecord, Prerequisite

ItemState = Literal["done", "todo", "failing", "waiting", "unknown"]

KNOWN_FOR_S = 24 * 3600
"""How long TikTok's word on a shop is held to be true while it cannot be asked again."""

_FIX = {
    "SHOP_STATUS": (
        "The shop is open",
        "Finish the shop's set-up in TikTok's Seller Center, or ask its support what holds it up.",
    ),
    "SHOP_TAX": (
        "Tax details",
        "Fill in the tax details in the Seller Center, under My account, Tax.",
    ),
    "PICKUP_WAREHOUSE": (
        "A warehouse to ship from",
        "Add a pickup warehouse in the Seller Center, under Shipping, Warehouses.",
    ),
    "RETURN_WAREHOUSE": (
        "A warehouse for returns",
        "Add a return warehouse in the Seller Center, under Shipping, Warehouses.",
    ),
    "DELIVERY_OPTION": (
        "A way of delivery",
        "Turn on a delivery option in the Seller Center, under Shipping.",
    ),
    "SHIPPING_TEMPLATE": (
        "Shipping fees",
        "Make a shipping template in the Seller Center, under Shipping.",
    ),
    "PRODUCT_QUANTITY_LIMIT": (
        "Room for more products",
        "The shop has as many products as its tier allows: leave some out, or rise in tier.",
    ),
    "EXTENDED_PRODUCER_RESPONSIBILITY": (
        "Extended producer responsibility",
        "Enter the registration numbers in the Seller Center, under Qualifications.",
    ),
    "BANK_ACCOUNT": (
        "A bank account",
        "Add the account to be paid to in the Seller Center, under Finances.",
    ),
    "CONTACT_INFO": (
        "Contact details",
        "Fill in the contact details in the Seller Center, under My account.",
    ),
}
"""Title and next step of each of TikTok's checks."""

_ASK_SUPPORT = "See in TikTok's Seller Center what it asks for."


class Item(msgspec.Struct, frozen=True):
    """`said` are TikTok's own words, `next_step` is "" where nothing is to be done; `at` (unix
    seconds) is when it was known."""

    code: str
    title: str
    state: ItemState
    next_step: str = ""
    said: tuple[str, ...] = ()
    at: float | None = None


class Inventory(msgspec.Struct, frozen=True):
    """How many products the shop has, how many of them are at TikTok, and whether one at least may
    be sold there; None is not known."""

    products: int
    listed: int = 0
    has_eligible: bool | None = None


def checklist(record: ChannelRecord, inventory: Inventory, now: float) -> tuple[Item, ...]:
    return (
        _account(record),
        _shop(record),
        *_permissions(record),
        *_prerequisites(record, now),
        _warehouses(record, now),
        _tier(record),
        _inventory(record, inventory),
    )


def _account(record: ChannelRecord) -> Item:
    title = "A Business or Creator account at TikTok"
    if record.account_attested_at is not None:
        return Item("account", title, "done", at=record.account_attested_at)
    step = (
        "Turn your TikTok account into a Business or Creator account (Settings and privacy, "
        "Account), then tick this: no call of TikTok's tells."
    )
    return Item("account", title, "todo", step)


def _shop(record: ChannelRecord) -> Item:
    title = "A TikTok Shop, connected"
    if record.is_connected and record.shop is not None:
        return Item("shop", title, "done", said=(record.shop.name,))
    attempt = record.attempt
    if attempt is not None and attempt.choices:
        names = tuple(shop.name for shop in attempt.choices)
        return Item("shop", title, "todo", "Choose the shop to sell in.", names, attempt.began_at)
    if attempt is not None:
        return Item("shop", title, "waiting", "Nothing: this goes on by itself.")
    if record.deauthorized_at is not None:
        said = (record.last_error,) if record.last_error else ()
        return Item("shop", title, "failing", "Connect again.", said, record.deauthorized_at)
    if record.refusal:
        return Item("shop", title, "failing", "Connect again.", (record.refusal,))
    return Item(
        "shop", title, "todo", "Connect TikTok Shop; open one there first if you have none."
    )


def _permissions(record: ChannelRecord) -> tuple[Item, ...]:
    """Nothing while TikTok has not said what it granted."""
    if record.authorization is None or not record.authorization.scopes:
        return ()
    title = "All that the app may be allowed"
    losses = scopes.losses(record.authorization.scopes)
    if not losses:
        return (Item("permissions", title, "done"),)
    without = "; ".join(f"without {scope} {loss}" for scope, loss in losses.items())
    step = (
        f"Add to the app in TikTok's Partner Center what is missing, and connect again: {without}."
    )
    return (Item("permissions", title, "todo", step, tuple(losses)),)


def _prerequisites(record: ChannelRecord, now: float) -> tuple[Item, ...]:
    at = record.prerequisites_at
    if not record.is_connected or at is None or now - at > KNOWN_FOR_S:
        step = "TikTok is asked as soon as it answers." if record.is_connected else "Connect first."
        return (Item("prerequisites", "TikTok's checks of the shop", "unknown", step, at=at),)
    if not record.prerequisites:
        return (Item("prerequisites", "TikTok's checks of the shop", "done", at=at),)
    return tuple(_prerequisite(each, at) for each in record.prerequisites)


def _prerequisite(check: Prerequisite, at: float) -> Item:
    title, step = _FIX.get(check.item, (check.item.replace("_", " ").capitalize(), _ASK_SUPPORT))
    code = check.item.lower()
    if check.failed:
        return Item(code, title, "failing", step, check.reasons, at)
    return Item(code, title, "done", said=check.reasons, at=at)


def _warehouses(record: ChannelRecord, now: float) -> Item:
    title = "A warehouse that ships"
    at = record.warehouses_at
    if not record.is_connected or at is None or now - at > KNOWN_FOR_S:
        step = "TikTok is asked as soon as it answers." if record.is_connected else "Connect first."
        return Item("warehouses", title, "unknown", step, at=at)
    shipping = [place for place in record.warehouses if place.type != "RETURN_WAREHOUSE"]
    said = tuple(f"{place.name}: {place.status}" for place in shipping)
    statuses = {place.status for place in shipping}
    if "ENABLED" in statuses:
        return Item("warehouses", title, "done", said=said, at=at)
    if "RESTRICTED" in statuses:
        step = (
            "The shop is on holiday, or the orders of the day are used up: end the holiday in the "
            "Seller Center, or wait for tomorrow."
        )
        return Item("warehouses", title, "waiting", step, said, at)
    if not shipping:
        step = "Add a warehouse in the Seller Center, under Shipping, Warehouses."
        return Item("warehouses", title, "failing", step, said, at)
    step = "Turn a warehouse on in the Seller Center, under Shipping, Warehouses."
    return Item("warehouses", title, "failing", step, said, at)


def _tier(record: ChannelRecord) -> Item:
    title = "The tier of the probation"
    if record.tier is not None:
        return Item("tier", title, "done", said=(record.tier,))
    step = (
        "See in the Seller Center whether the shop is Beginner, Standard, Premium or Pro, and say "
        "so here: no call of TikTok's tells. Until then no limit is kept here."
    )
    return Item("tier", title, "todo", step)


def _inventory(record: ChannelRecord, inventory: Inventory) -> Item:
    title = "A product that may be sold there"
    if not inventory.products:
        return Item("inventory", title, "todo", "Add products, or import them from a CSV file.")
    if not record.is_connected:
        return Item("inventory", title, "todo", "Connect first: TikTok has not seen them yet.")
    if inventory.has_eligible:
        return Item("inventory", title, "done")
    if not record.auto_sync:
        return Item("inventory", title, "todo", "Turn the sync on, so that TikTok gets them.")
    if inventory.has_eligible is None:
        return Item("inventory", title, "unknown", "Nothing: they are being looked at.")
    if inventory.listed:
        step = "TikTok is looking at them; each product's badge says why it may not be sold yet."
        return Item("inventory", title, "waiting", step)
    return Item("inventory", title, "failing", "See each product's badge for what to mend.")
