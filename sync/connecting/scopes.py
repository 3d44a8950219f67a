"""What the app has to be granted to do its work, by the names that TikTok's tokens have.

Without what is NEEDED nothing works, and connecting is refused. The rest is asked for in the
checklist: a shop that is without it sells all the same.
"""

NEEDED = (
    "seller.authorization.info",  # the shops
    "seller.logistics",  # warehouses
    "seller.product.basic",  # prerequisites, categories, products and their audits
    "seller.product.write",  # listings, images, prices, stock
    "seller.order.info",  # orders
)

USEFUL = {
    "seller.fulfillment.basic": "orders cannot be marked as shipped from here",
    "seller.return_refund.basic": "returns are not seen, and orders cannot be cancelled from here",
    "data.shop_analytics.public.read": "TikTok's own figures of LIVEs are not shown",
}
"""What is lost without each."""


def missing(granted: tuple[str, ...] | None) -> tuple[str, ...]:
    """What of NEEDED is not in `granted`; nothing where TikTok did not say."""
    return () if granted is None else tuple(scope for scope in NEEDED if scope not in granted)


def losses(granted: tuple[str, ...]) -> dict[str, str]:
    """What of USEFUL is not in `granted`; nothing where that is empty: TikTok did not say."""
    if not granted:
        return {}
    return {scope: loss for scope, loss in USEFUL.items() if scope not in granted}
