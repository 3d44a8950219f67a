"""Stock: set by the seller outright, taken by shoppers, with no way to compare and set."""

from typing import NamedTuple

from sync.sandbox.ids import SkuId, WarehouseId
from sync.sandbox.listing import stock_flaws
from sync.sandbox.products import Product, Stock
from sync.sandbox.sellers import Shop
from sync.sandbox.wire import Code


class StockFault(NamedTuple):
    """Why the stock of a SKU was not set: `extra` are warehouse, code, message of each reason."""

    sku_id: str
    code: int
    message: str
    extra: list[tuple[str, int, str]]


def set_available(
    product: Product, shop: Shop, sku_id: str, stock: list[tuple[str, int | None]]
) -> StockFault | None:
    """Set what is for sale of a SKU to `stock` (quantities by warehouse, all it is kept in;
    "" is the only one). What is committed stays. None, or why nothing was done."""
    places = product.stock.get(SkuId(sku_id))
    if places is None:
        text = f"The product has no SKU {sku_id!r}."
        return StockFault(sku_id, Code.SKU_NOT_OF_PRODUCT, text, [])
    if len(stock) == len(places) == 1 and stock[0][0] == "":
        stock = [(next(iter(places)), stock[0][1])]
    wrong = [
        (warehouse_id, flaw.code, flaw.message)
        for warehouse_id, quantity in stock
        for flaw in stock_flaws([(warehouse_id, quantity)], shop, f"SKU {sku_id}")
    ]
    if wrong:
        return StockFault(sku_id, Code.CHECK_FAILED, "The stock does not pass.", wrong)
    if {warehouse_id for warehouse_id, _ in stock} != places.keys() or len(stock) != len(places):
        text = "Name each warehouse that the SKU is kept in, once."
        return StockFault(sku_id, Code.STOCK_INCOMPLETE, text, [])
    for warehouse_id, quantity in stock:
        places[WarehouseId(warehouse_id)].available = quantity or 0
    return None


def take(stock: dict[WarehouseId, Stock], units: int) -> list[WarehouseId] | None:
    """Commit `units` of a SKU, from the fullest warehouses; where each is from, or None when
    there are not enough, and then nothing is taken."""
    if sum(place.available for place in stock.values()) < units:
        return None
    taken = []
    for _ in range(units):
        warehouse_id = max(stock, key=lambda each: stock[each].available)
        stock[warehouse_id].available -= 1
        stock[warehouse_id].committed += 1
        taken.append(warehouse_id)
    return taken
