"""Listens to what changes in the shop's store, whoever changes it, and lets it be told."""

import asyncio
import contextlib

from mediaserver.commerce import supervised
from mediaserver.rundowns import Rundowns
from mediaserver.shop_news import ShopNews
from sync.eligibility.badges import Badges
from sync.sales.bookkeeper import Bookkeeper
from sync.store.notices import Notices


class Shopkeeper:
    """One for each server."""

    def __init__(
        self,
        notices: Notices,
        badges: Badges,
        rundowns: Rundowns,
        news: ShopNews,
        sales: Bookkeeper,
    ) -> None:
        self._notices = notices
        self._badges = badges
        self._rundowns = rundowns
        self._news = news
        self._sales = sales

    def start(self, tasks: asyncio.TaskGroup) -> None:
        for name, run in (
            ("notices", self._listen),
            ("rundowns", self._rundowns.run),
            ("shop-news", self._news.run),
            ("sales", self._sales.run),
        ):
            tasks.create_task(supervised(name, run), name=name)

    async def _listen(self) -> None:
        async with contextlib.aclosing(self._notices.listen()) as heard:
            async for notice in heard:
                if notice.kind in ("categories", "all"):
                    self._badges.forget_categories()
                self._rundowns.note(notice)
                self._news.note(notice)
                self._sales.note(notice)
