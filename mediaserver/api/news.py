"""What the shop's events are made of: the views that the API answers with."""

from collections.abc import Iterable, Sequence

from mediaserver.api.channels import current_view
from mediaserver.api.imports import import_view
from mediaserver.channel_view import in_brief, progress_view
from mediaserver.commerce import Commerce
from mediaserver.order_view import order_view
from mediaserver.product_view import product_views
from mediaserver.shop_news import ShopNews
from mediaserver.view import View
from sync.model import ProductId
from sync.orders.order import OrderId
from sync.store.imports import ImportId


def shop_news(commerce: Commerce) -> ShopNews:
    async def channel() -> View:
        return await current_view(commerce, brief=True)

    async def progress() -> View:
        return progress_view(in_brief(await commerce.stores.progress.get()))

    async def an_import(import_id: str) -> View:
        record = await commerce.imports.get(ImportId(import_id))
        return import_view(record, is_cut_short=commerce.imports.is_cut_short(record))

    async def products(ids: Iterable[ProductId]) -> dict[ProductId, View]:
        return await product_views(commerce, await commerce.catalogue.many(list(ids)))

    async def orders(ids: Sequence[OrderId]) -> list[View]:
        found = await commerce.stores.orders.many(ids)
        held = await commerce.stores.orders.held(list(found))
        return [order_view(each, held.get(each.id, {})) for each in found.values()]

    return ShopNews(
        commerce.badges,
        channel=channel,
        progress=progress,
        an_import=an_import,
        products=products,
        orders=orders,
    )
