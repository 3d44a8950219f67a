"""Ids as TikTok's look: decimal strings of 19 digits, beyond what a double holds exactly."""

from typing import NewType

ProductId = NewType("ProductId", str)
SkuId = NewType("SkuId", str)
ShopId = NewType("ShopId", str)
WarehouseId = NewType("WarehouseId", str)
OrderId = NewType("OrderId", str)
LineItemId = NewType("LineItemId", str)
RoomId = NewType("RoomId", str)
CancelId = NewType("CancelId", str)
ReturnId = NewType("ReturnId", str)
OpenId = NewType("OpenId", str)
CategoryId = NewType("CategoryId", str)

_FIRST = {
    "product": 1729592969712207000,
    "sku": 1729592969812307000,
    "order": 5764616480861759000,
    "line_item": 5764616480863069000,
    "cancellation": 4035318504086604000,
    "return": 4035463945335048000,
    "package": 1153486604836964000,
    "notification": 7380066284010030000,
    "attribute_value": 7082427311584347000,
}


class Ids:
    """Counts each kind on by itself, so that a run repeated gives the same ids."""

    def __init__(self) -> None:
        self._last = dict(_FIRST)

    def next(self, kind: str) -> str:
        self._last[kind] += 1
        return str(self._last[kind])
