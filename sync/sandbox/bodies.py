"""The bodies that listing calls take. What is wrong in them is said with TikTok's codes by
listing.py, so nearly all may be left out here."""

import msgspec


class ImageRef(msgspec.Struct, frozen=True):
    uri: str = ""


class PriceBody(msgspec.Struct, frozen=True):
    amount: str = ""
    currency: str = ""


class StockBody(msgspec.Struct, frozen=True):
    warehouse_id: str = ""
    quantity: int | None = None


class SalesAttributeBody(msgspec.Struct, frozen=True):
    id: str = ""
    name: str = ""
    value_id: str = ""
    value_name: str = ""
    sku_img: ImageRef | None = None


class SkuBody(msgspec.Struct, frozen=True):
    id: str = ""
    seller_sku: str = ""
    external_sku_id: str = ""
    price: PriceBody | None = None
    inventory: list[StockBody] | None = None
    sales_attributes: list[SalesAttributeBody] = []


class AttributeValueBody(msgspec.Struct, frozen=True):
    id: str = ""
    name: str = ""


class AttributeBody(msgspec.Struct, frozen=True):
    id: str = ""
    values: list[AttributeValueBody] = []


class CertificationBody(msgspec.Struct, frozen=True):
    id: str = ""
    images: list[ImageRef] = []
    files: list[dict[str, str]] = []
    expiration_date: int | None = None


class WeightBody(msgspec.Struct, frozen=True):
    value: str = ""
    unit: str = ""


class ProductBody(msgspec.Struct, frozen=True):
    """What create, edit, partial edit and the listing check take. None is what was not sent."""

    title: str | None = None
    description: str | None = None
    category_id: str | None = None
    category_version: str | None = None
    main_images: list[ImageRef] | None = None
    skus: list[SkuBody] | None = None
    product_attributes: list[AttributeBody] | None = None
    certifications: list[CertificationBody] | None = None
    package_weight: WeightBody | None = None
    package_dimensions: dict[str, str] | None = None
    brand_id: str | None = None
    external_product_id: str | None = None
    save_mode: str = "LISTING"
    idempotency_key: str | None = None
