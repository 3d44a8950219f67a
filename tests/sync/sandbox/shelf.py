"""A product on sale, and orders of it as the API tells them."""

from typing import Any

from tests.sync.sandbox.caller import Caller

HOUR_S = 3600.0
"""How long a paid order is held."""


class Shelf:
    """One product on sale, of one SKU with five units."""

    def __init__(self, caller: Caller, product_id: str, sku_id: str, warehouse_id: str) -> None:
        self.caller = caller
        self.product_id = product_id
        self.sku_id = sku_id
        self.warehouse_id = warehouse_id

    async def set(self, quantity: int, **changes: Any) -> dict[str, Any]:
        """The answer's data to an inventory update."""
        stock = {"warehouse_id": self.warehouse_id, "quantity": quantity} | changes
        body = {"skus": [{"id": self.sku_id, "inventory": [stock]}]}
        return await self.caller.data("POST", self.path, body)

    @property
    def path(self) -> str:
        return f"/product/202309/products/{self.product_id}/inventory/update"

    async def stock(self) -> tuple[int, int]:
        """Available, committed."""
        body = {"sku_ids": [self.sku_id]}
        data = await self.caller.data("POST", "/product/202309/inventory/search", body)
        [sku] = data["inventory"][0]["skus"]
        [place] = sku["warehouse_inventory"]
        total = (sku["total_available_quantity"], sku["total_committed_quantity"])
        assert total == (place["available_quantity"], place["committed_quantity"])
        return total


async def told(caller: Caller, order_id: str) -> dict[str, Any]:
    data = await caller.data("GET", "/order/202507/orders", query={"ids": order_id})
    order: dict[str, Any] = data["orders"][0]
    return order
