"""The cards of products on a show's canvases: which are seen, and what is on them. Pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from compositor.card import Card
from compositor.overlay import PINNED, Overlay, Product
from compositor.overlay_spec import parse_overlays
from compositor.painter import Cards
from mediaserver.packet import CanvasId
from mediaserver.show.showing import Standing, hidden
from mediaserver.state import CanvasRecord, ShowRecord
from sync.catalogue.money import priced
from sync.eligibility.badges import Looked
from sync.model import ProductId

Stand = Callable[[ProductId], Standing]
"""How a product stands now."""

Pictures = Mapping[str, bytes]
"""Files of images by their addresses."""

PLATFORM = "tiktok"

MOST_PICTURES = 100
"""That are at hand for one show: as many as TikTok takes products in a LIVE."""


def product_overlays(canvas: CanvasRecord) -> tuple[Product, ...]:
    """Those of the overlays on `canvas` that show products."""
    documents = [each for each in canvas.overlays if each["kind"] == "product"]
    return tuple(each for each in parse_overlays(documents) if isinstance(each, Product))


def goes_to_tiktok(record: ShowRecord, canvas_id: CanvasId) -> bool:
    """Whether one of the show's targets sends that canvas to TikTok, live or not."""
    targets = record.targets.values()
    return any(each.canvas == canvas_id and each.platform == PLATFORM for each in targets)


def shows_of_products(record: ShowRecord) -> Any:
    """What of `record` decides which products are seen where, to be compared."""
    return [
        (key, product_overlays(canvas), goes_to_tiktok(record, key))
        for key, canvas in record.canvases.items()
    ]


def meant(overlay: Product, record: ShowRecord) -> ProductId | None:
    """The product that `overlay` shows; None while none is pinned."""
    return record.pinned if overlay.product == PINNED else ProductId(overlay.product)


def cards(
    record: ShowRecord,
    canvas_id: CanvasId,
    overlays: Iterable[Overlay],
    stand: Stand,
    pictures: Pictures,
) -> Cards:
    """What those of `overlays` say that show a product which may be seen on the canvas."""
    to_tiktok = goes_to_tiktok(record, canvas_id)
    found = {}
    for overlay in overlays:
        product = meant(overlay, record) if isinstance(overlay, Product) else None
        if product is None or not isinstance(overlay, Product):
            continue
        standing = stand(product)
        if standing.looked is not None and hidden(standing, to_tiktok) is None:
            found[overlay] = _card(overlay, standing.looked, pictures)
    return found


def places(record: ShowRecord, stand: Stand) -> dict[ProductId, dict[CanvasId, dict[str, Any]]]:
    """For each product that an overlay shows, on which canvases it is to be seen, whether it is,
    and why not."""
    found: dict[ProductId, dict[CanvasId, dict[str, Any]]] = {}
    for canvas_id, canvas in record.canvases.items():
        to_tiktok = goes_to_tiktok(record, canvas_id)
        for overlay in product_overlays(canvas):
            product = meant(overlay, record)
            if product is None:
                continue
            why = hidden(stand(product), to_tiktok)
            reason = None if why is None else {"code": why.code, "text": why.text}
            found.setdefault(product, {})[canvas_id] = {"shown": why is None, "reason": reason}
    return found


def wanted_pictures(record: ShowRecord, stand: Stand) -> list[str]:
    """The addresses of the pictures that cards may need, the soonest first: any product of the
    rundown may be pinned next."""
    asked = {
        each.product for canvas in record.canvases.values() for each in product_overlays(canvas)
    }
    named = [ProductId(each) for each in sorted(asked - {PINNED})]
    if PINNED in asked:
        named = [*([record.pinned] if record.pinned else []), *named, *record.rundown]
    looked = [stand(product).looked for product in named]
    images = [each.product.images[0].url for each in looked if each and each.product.images]
    return list(dict.fromkeys(images))[:MOST_PICTURES]


def _card(overlay: Product, looked: Looked, pictures: Pictures) -> Card:
    product = looked.product
    prices = [sku.price for sku in product.skus]
    price = priced(min(prices), product.currency) if prices else ""
    if len(set(prices)) > 1:
        price = overlay.prices.replace("{price}", price)
    link = overlay.qr.replace("{id}", product.id).replace("{handle}", quote(product.handle, ""))
    return Card(
        title=product.title,
        price=price,
        stock=overlay.left.replace("{count}", f"{looked.available:,}"),
        link=link,
        picture=pictures.get(product.images[0].url) if product.images else None,
    )
