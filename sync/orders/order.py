"""What is kept of an order, whichever channel it came from: immutable records.

Times are unix seconds, money is an integer of the order's currency's minor units. Of a channel's
words, those that this version does not know are kept as they came. What has its default is not
written, so that an order written by an older server is the same when a newer one writes it again;
a `version` that is not written is 1.
"""

from typing import NamedTuple, NewType

import msgspec

from sync.model import ChannelId, ProductId, SkuId

OrderId = NewType("OrderId", str)
LineId = NewType("LineId", str)
RoomId = NewType("RoomId", str)

OWN_SHOP = ChannelId("shop")
"""The shop's own checkout, where its orders come from that were sent to us."""


class Place(NamedTuple):
    """What a SKU of a channel is here."""

    product: ProductId
    sku: SkuId


class OrderStatus:
    """The states of an order and of its lines, in TikTok's words (Get Order Detail)."""

    UNPAID = "UNPAID"
    ON_HOLD = "ON_HOLD"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    PARTIALLY_SHIPPING = "PARTIALLY_SHIPPING"
    AWAITING_COLLECTION = "AWAITING_COLLECTION"
    IN_TRANSIT = "IN_TRANSIT"
    DELIVERED = "DELIVERED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class OrderLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """`price` is that of one unit, as docs/sales.md counts it. `sku` is None where the channel
    sells something that is none of ours. Of the `units`, `cancelled` were taken back before they
    left, `sent` have left the warehouse, and `returned` came back after that, for which `refunded`
    was paid back; `restocked` of them a person has put on the shelf again. `room` is the LIVE
    that sold it."""

    id: LineId
    title: str
    price: int
    units: int = 1
    status: str = OrderStatus.UNPAID
    product: ProductId | None = None
    sku: SkuId | None = None
    seller_sku: str = ""
    variant: str = ""
    sent: int = 0
    cancelled: int = 0
    cancel_reason: str = ""
    returned: int = 0
    refunded: int = 0
    restocked: int = 0
    room: RoomId | None = None


class Return(msgspec.Struct, frozen=True, omit_defaults=True):
    """A buyer's wish to give units back, and what became of it in the channel's words."""

    id: str
    status: str
    lines: tuple[LineId, ...] = ()
    refund: int = 0
    reason: str = ""
    updated_at: float = 0.0


class Order(msgspec.Struct, frozen=True, omit_defaults=True):
    """`remote_id` is the channel's own name of it; `updated_at` is by the channel's clock, and an
    older one never takes anything back. `show` is the one that an order of the shop's own names;
    orders of TikTok name LIVE rooms in their lines instead. One that `is_sample` was given away;
    of one with `cancel_requested` the buyer waits for it to be cancelled. One that `predates` the
    connection of its channel asks for no stock: nobody knows whether the units on hand were counted
    with or without it. It was first taken in at `taken_at`."""

    id: OrderId
    channel: ChannelId
    remote_id: str
    status: str
    currency: str
    lines: tuple[OrderLine, ...]
    created_at: float
    updated_at: float
    paid_at: float | None = None
    cancelled_at: float | None = None
    cancel_reason: str = ""
    returns: tuple[Return, ...] = ()
    show: str | None = None
    note: str = ""
    is_sample: bool = False
    cancel_requested: bool = False
    predates: bool = False
    taken_at: float = 0.0
    version: int = 1


class Held(msgspec.Struct, frozen=True):
    """What an order has of the stock for one line: `held` units wait for it in the warehouse,
    `consumed` have left it, and for `short` ones there was none. Of those that it was ordered with,
    `cancelled` were taken back, and `restocked` ones were put on the shelf again."""

    sku: SkuId
    held: int = 0
    consumed: int = 0
    short: int = 0
    cancelled: int = 0
    restocked: int = 0


class Claim(msgspec.Struct, frozen=True):
    """What a line asks of the stock: of its `ordered` units, `units` were not cancelled, `sent`
    have left the warehouse, and `restocked` of them a person has put on the shelf again. It claims
    nothing where `sku` is None."""

    line: LineId
    sku: SkuId | None
    ordered: int
    units: int
    sent: int
    restocked: int = 0
