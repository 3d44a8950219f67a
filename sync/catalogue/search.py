"""What products are found by, and whether one fits what is sought. Pure."""

import unicodedata

import msgspec

from sync.model import Product, ProductStatus


class SearchEntry(msgspec.Struct, frozen=True, array_like=True):
    """What a product is found by, folded. Lines of `text` are title, handle, type, vendor, tags,
    and each SKU's seller_sku and barcode: words are sought within a line."""

    status: str
    type: str
    tags: tuple[str, ...]
    text: str


class Search(msgspec.Struct, frozen=True):
    """What is sought: every one of `words` is somewhere in the text; the rest are exact but for
    case, None is any."""

    words: tuple[str, ...] = ()
    type: str | None = None
    tag: str | None = None
    status: ProductStatus | None = None

    def folded(self) -> "Search":
        return Search(
            tuple(folded(word) for word in self.words),
            None if self.type is None else folded(self.type),
            None if self.tag is None else folded(self.tag),
            self.status,
        )

    def fits(self, entry: SearchEntry) -> bool:
        """Whether `entry` is one of those sought. For searches that are folded."""
        return (
            (self.status is None or self.status == entry.status)
            and (self.type is None or self.type == entry.type)
            and (self.tag is None or self.tag in entry.tags)
            and all(word in entry.text for word in self.words)
        )


def search_entry(product: Product) -> SearchEntry:
    lines = [product.title, product.handle, product.type, product.vendor, *product.tags]
    for sku in product.skus:
        lines += [sku.seller_sku, sku.barcode]
    return SearchEntry(
        product.status,
        folded(product.type),
        tuple(folded(tag) for tag in product.tags),
        folded("\n".join(filter(None, lines))),
    )


def folded(text: str) -> str:
    """`text` as it is compared: whatever its case, width and composition (Unicode 3.13, NFKC)."""
    return unicodedata.normalize("NFKC", text.casefold())
