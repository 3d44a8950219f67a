"""What the app has to be granted to do its work, by the names that TikTok's tokens have."""

NEEDED = (
    "seller.authorization.info",  # the shops
    "seller.logistics",  # warehouses
    "seller.product.basic",  # prerequisites, categories, products and their audits
    "seller.product.write",  # listings, images, prices, stock
    "seller.order.info",  # orders
)


def missing(granted: tuple[str, ...] | None) -> tuple[str, ...]:
    """What of NEEDED is not in `granted`; nothing where TikTok did not say."""
    return () if granted is None else tuple(scope for scope in NEEDED if scope not in granted)
