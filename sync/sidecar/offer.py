"""How many units of a SKU are offered at TikTok."""

from sync.model import Stock

MOST = 99_999
"""TikTok takes no larger stock (Set stock of its product API)."""


def offered(stock: Stock) -> int:
    """What TikTok may sell: 0 stops its sales."""
    return min(MOST, max(0, stock.available))
