"""Products as somebody writes them down, and the products that become of them. Pure."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from sync.catalogue.product_rules import LONGEST_TEXT, check, check_stock
from sync.errors import Invalid
from sync.model import ChannelId, Image, Product, ProductId, ProductStatus, Sku, SkuId
from sync.orders.order import OrderId

_NOT_IN_HANDLES = re.compile(r"[\W_]+")


class SkuDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A variant as somebody writes it down. What is UNSET stays as it is, or is as new ones have
    it. `on_hand` are the units to begin with."""

    id: SkuId | UnsetType = UNSET
    price: int | UnsetType = UNSET
    seller_sku: str | UnsetType = UNSET
    options: tuple[str, ...] | UnsetType = UNSET
    barcode: str | UnsetType = UNSET
    weight_g: int | UnsetType | None = UNSET
    image_url: str | UnsetType | None = UNSET
    on_hand: int | UnsetType = UNSET


class ProductDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product as somebody writes it down. What is UNSET stays as it is, or is as new ones have
    it; `skus` are all that it is to have."""

    title: str | UnsetType = UNSET
    handle: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    skus: tuple[SkuDraft, ...] | UnsetType = UNSET
    description: str | UnsetType = UNSET
    vendor: str | UnsetType = UNSET
    type: str | UnsetType = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    options: tuple[str, ...] | UnsetType = UNSET
    images: tuple[Image, ...] | UnsetType = UNSET
    status: ProductStatus | UnsetType = UNSET
    left_out: tuple[ChannelId, ...] | UnsetType = UNSET
    certifications: tuple[str, ...] | UnsetType = UNSET


class Outcome(NamedTuple):
    """What becomes of a draft, and the units that it says of SKUs, new ones and those that were
    there."""

    product: Product
    on_hand: dict[SkuId, int]


class Ids:
    """Makes ids that sort by the time of their making, `now` in unix seconds; those of several
    servers differ by chance, `random` bits of it."""

    def __init__(self, now: Callable[[], float], random: Callable[[int], int]) -> None:
        self._now = now
        self._random = random
        self._latest_us = 0

    def product(self) -> ProductId:
        return ProductId(f"p_{self._next()}")

    def sku(self) -> SkuId:
        return SkuId(f"s_{self._next()}")

    def order(self) -> OrderId:
        return OrderId(f"o_{self._next()}")

    def _next(self) -> str:
        self._latest_us = max(self._latest_us + 1, int(self._now() * 1_000_000))
        return _base32(self._latest_us, 11) + _base32(self._random(25), 5)


def created(draft: ProductDraft, ids: Ids) -> Outcome:
    """A new product; without a handle of its own it gets one made of its title.

    Raises Invalid.
    """
    for name in ("title", "currency", "skus"):
        if getattr(draft, name) is UNSET:
            raise Invalid("is missing", name)
    empty = Product(id=ids.product(), handle="", title="", currency="", skus=())
    outcome = _merged(empty, draft, ids)
    if draft.handle is UNSET:
        handle = handle_of(outcome.product.title) or empty.id
        outcome = Outcome(msgspec.structs.replace(outcome.product, handle=handle), outcome.on_hand)
    check(outcome.product)
    return outcome


def changed(base: Product, draft: ProductDraft, ids: Ids) -> Outcome:
    """`base` as `draft` wants it. An SKU without an id is the one that has the same options, else
    the one that has the same seller_sku, and new where there is none: it keeps its stock so.

    Raises Invalid.
    """
    outcome = _merged(base, draft, ids)
    check(outcome.product)
    return outcome


def handle_of(title: str) -> str:
    """A handle made of a title: its letters and digits, "" where it has none."""
    plain = unicodedata.normalize("NFKD", title)
    plain = "".join(each for each in plain if not unicodedata.combining(each))
    composed = unicodedata.normalize("NFC", plain).lower()
    return _NOT_IN_HANDLES.sub("-", composed).strip("-")[: LONGEST_TEXT - 20].strip("-")


def _merged(base: Product, draft: ProductDraft, ids: Ids) -> Outcome:
    changes = _said(draft)
    on_hand: dict[SkuId, int] = {}
    if draft.skus is not UNSET:
        changes["skus"] = tuple(_skus(base, draft.skus, ids, on_hand))
    return Outcome(msgspec.structs.replace(base, **changes), on_hand)


def _skus(
    base: Product, drafts: Sequence[SkuDraft], ids: Ids, on_hand: dict[SkuId, int]
) -> Iterator[Sku]:
    """The SKUs that `drafts` tell of, in their order; fills `on_hand`."""
    for number, (draft, known) in enumerate(zip(drafts, _known(base, drafts), strict=True)):
        path = f"skus[{number}]"
        if known is None:
            if draft.price is UNSET:
                raise Invalid("is missing", f"{path}.price")
            known = Sku(ids.sku(), draft.price)
        if draft.on_hand is not UNSET:
            check_stock(draft.on_hand, f"{path}.on_hand")
            on_hand[known.id] = draft.on_hand
        yield msgspec.structs.replace(known, **_said(draft))


def _known(base: Product, drafts: Sequence[SkuDraft]) -> list[Sku | None]:
    """Which SKU of `base` each draft tells of, None for a new one. Raises Invalid."""
    left = {sku.id: sku for sku in base.skus}
    known: list[Sku | None] = [None] * len(drafts)
    for number, draft in enumerate(drafts):
        if draft.id is not UNSET:
            known[number] = left.pop(draft.id, None)
            if known[number] is None:
                raise Invalid(
                    f"the product has no SKU {draft.id[:40]!r}, or it is here twice: a new one "
                    "comes without id",
                    f"skus[{number}].id",
                )
    by_options = {sku.options: sku for sku in left.values()}
    for number, draft in enumerate(drafts):
        if draft.id is UNSET:
            options = () if draft.options is UNSET else draft.options
            sku = by_options.pop(options, None)
            if sku is not None:
                known[number] = left.pop(sku.id)
    by_code = {sku.seller_sku: sku for sku in left.values() if sku.seller_sku}
    for number, draft in enumerate(drafts):
        if draft.id is UNSET and known[number] is None and draft.seller_sku is not UNSET:
            known[number] = by_code.pop(draft.seller_sku, None)
    return known


def _said(draft: ProductDraft | SkuDraft) -> dict[str, Any]:
    """What a draft says of fields that are its product's or SKU's own."""
    return {
        name: value
        for name in draft.__struct_fields__
        if name not in ("id", "skus", "on_hand") and (value := getattr(draft, name)) is not UNSET
    }


def _base32(number: int, digits: int) -> str:
    """`number` in `digits` digits that sort as numbers do; without i, l, o and u."""
    alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
    return "".join(alphabet[number >> 5 * place & 31] for place in reversed(range(digits)))
