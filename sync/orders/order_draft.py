"""Orders of the shop's own as its checkout writes them down, and what becomes of them. Pure."""

import unicodedata
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from sync.catalogue.money import LARGEST
from sync.errors import Conflict, Invalid
from sync.model import Product, Sku, SkuId
from sync.orders.buyer import Buyer
from sync.orders.order import OWN_SHOP, LineId, Order, OrderId, OrderLine, OrderStatus

MOST_LINES = 100
MOST_UNITS = 99_999
LONGEST_NAME = 200
LONGEST_TEXT = 2000

Catalogue = Mapping[SkuId, tuple[Product, Sku]]


class LineDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`price` of one unit is in minor units, that of the catalogue unless it is said."""

    sku: SkuId
    units: int = 1
    price: int | UnsetType = UNSET


class BuyerDraft(Buyer, frozen=True, forbid_unknown_fields=True):
    """The same, sent to us: what would go unheard is refused."""


class OrderDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`number` is the checkout's own name of the order, by which it can be found."""

    lines: tuple[LineDraft, ...]
    paid: bool = False
    number: str = ""
    show: str | None = None
    note: str = ""
    buyer: BuyerDraft | None = None


def placed(draft: OrderDraft, catalogue: Catalogue, order_id: OrderId, at: float) -> Order:
    """The order of `draft`, placed at `at` unix seconds. `catalogue` has those of its SKUs that
    there are.

    Raises Invalid with the path of what does not fit, and Conflict for what is not on sale.
    """
    if not 0 < len(draft.lines) <= MOST_LINES:
        raise Invalid(f"must be 1 to {MOST_LINES}", "lines")
    _check_text(draft.number, "number", LONGEST_NAME)
    _check_text(draft.show or "", "show", LONGEST_NAME)
    _check_text(draft.note, "note", LONGEST_TEXT)
    status = OrderStatus.AWAITING_SHIPMENT if draft.paid else OrderStatus.UNPAID
    lines = [_line(each, number, catalogue, status) for number, each in enumerate(draft.lines)]
    return Order(
        id=order_id,
        channel=OWN_SHOP,
        remote_id=draft.number or order_id,
        status=status,
        currency=_currency([catalogue[each.sku][0] for each in draft.lines]),
        lines=tuple(lines),
        created_at=at,
        updated_at=at,
        paid_at=at if draft.paid else None,
        show=draft.show,
        note=draft.note,
        taken_at=at,
    )


def buyer_of(draft: OrderDraft) -> Buyer | None:
    """Raises Invalid."""
    if draft.buyer is None:
        return None
    fields: dict[str, str] = msgspec.structs.asdict(draft.buyer)
    for name, text in fields.items():
        _check_text(text, f"buyer.{name}", LONGEST_TEXT)
    buyer = Buyer(**fields)
    return None if buyer == Buyer() else buyer


def _line(draft: LineDraft, number: int, catalogue: Catalogue, status: str) -> OrderLine:
    path = f"lines[{number}]"
    if draft.sku not in catalogue:
        raise Invalid(f"there is no SKU {draft.sku!r}", f"{path}.sku")
    product, sku = catalogue[draft.sku]
    if product.status != "active":
        raise Conflict(f"{path}.sku: the product {product.id} is {product.status}, not on sale")
    if not 1 <= draft.units <= MOST_UNITS:
        raise Invalid(f"must be from 1 to {MOST_UNITS}", f"{path}.units")
    price = sku.price if draft.price is UNSET else draft.price
    if not 0 <= price <= LARGEST:
        raise Invalid("must be a whole number of minor units, 0 or more", f"{path}.price")
    return OrderLine(
        id=LineId(str(number + 1)),
        title=product.title,
        price=price,
        units=draft.units,
        status=status,
        product=product.id,
        sku=sku.id,
        seller_sku=sku.seller_sku,
        variant=" / ".join(sku.options),
    )


def _currency(products: Sequence[Product]) -> str:
    currencies = {product.currency for product in products}
    if len(currencies) > 1:
        raise Invalid(
            f"are priced in {' and '.join(sorted(currencies))}: order them apart", "lines"
        )
    return currencies.pop()


def _check_text(text: str, path: str, longest: int) -> None:
    if len(text) > longest:
        raise Invalid(f"has more than {longest} characters", path)
    if any(unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\r\t" for each in text):
        raise Invalid("has control characters in it", path)
