"""Products to send: one with everything, one with what there must be."""

import msgspec

from sync.tiktok import wire

PLAIN = wire.Draft(
    title="A mug",
    description="<p>Holds coffee.</p>",
    category_id="600001",
    image_uris=("tos/1",),
    skus=(
        wire.SkuDraft(
            seller_sku="MUG", price_minor=1250, currency="USD", stock=(wire.Level("2001", 5),)
        ),
    ),
)

FULL = wire.Draft(
    title="A shirt",
    description="<p>Keeps warm.</p>",
    category_id="600002",
    image_uris=("tos/1", "tos/2"),
    skus=(
        wire.SkuDraft(
            seller_sku="SHIRT-RED",
            price_minor=1999,
            currency="USD",
            stock=(wire.Level("2001", 5), wire.Level("2002", 0)),
            external_sku_id="ours-1",
            sales_attributes=(
                wire.SalesAttribute(
                    name="Color", value="Red", id="100", value_id="200", image_uri="tos/3"
                ),
            ),
        ),
    ),
    external_product_id="ours",
    attributes=(
        wire.ProductAttribute(id="100392", value_ids=("1001533",), value_names=("Wedding",)),
    ),
    certifications=(wire.Proof(id="602362", image_uris=("tos/4",)),),
    package_weight=wire.Weight("0.5", "KILOGRAM"),
    package_dimensions=wire.Size("10", "20", "5", "CENTIMETER"),
    brand_id="708",
)

KNOWN = msgspec.structs.replace(
    FULL, skus=tuple(msgspec.structs.replace(sku, id="1001") for sku in FULL.skus)
)
"""FULL, once TikTok has named its SKUs."""
