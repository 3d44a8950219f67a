"""The task that gathers the pictures of all products, each once, wherever they are."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Final, NoReturn

import msgspec

from sync.errors import StoreUnavailable
from sync.images.fetcher import Fetcher, ImageRefused, ImageUnreachable
from sync.images.files import ImageFiles, NoRoom
from sync.model import ImageRecord, ProductId
from sync.store.images import Images, urls_of
from sync.store.notices import Notices
from sync.store.products import Products

log = logging.getLogger(__name__)

AT_ONCE: Final = 8
"""Pictures fetched at the same time; each may have 20 MB in memory."""

FIRST_PAUSE_S: Final = 10.0
"""After the first try; each further pause is four times as long."""

MOST_TRIES: Final = 6
"""Of one that could not be had, before it is called failed."""

AGAIN_AFTER_S: Final = 24 * 3600.0
"""When a picture that failed is tried once more: people mend their sites."""

UNUSED_KEPT_S: Final = 24 * 3600.0
"""How long a picture stays that no product has any more."""

_LOOK_EVERY_S = 1.0
_GATHERED_WITHIN_S = 0.2
_SLICE = 200


class Gatherer:
    """Two of them, on two servers, share the work. `now` gives unix seconds."""

    def __init__(
        self,
        products: Products,
        images: Images,
        notices: Notices,
        fetcher: Fetcher,
        files: ImageFiles,
        now: Callable[[], float],
    ) -> None:
        self._products = products
        self._images = images
        self._notices = notices
        self._fetcher = fetcher
        self._files = files
        self._now = now
        self._changed: set[ProductId] = set()
        self._is_all_changed = True
        self._missing: deque[str] = deque()
        self._news = asyncio.Event()
        self._work = asyncio.Event()

    async def run(self) -> NoReturn:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="images-listen")
            tasks.create_task(self._look_on(), name="images-look")
            tasks.create_task(self._hand_out(tasks), name="images-hand-out")
        raise RuntimeError("the tasks have no end")

    async def look(self) -> None:
        """Want the pictures of all products that have changed since the last look; the first look
        is at all products, and finds out which pictures this server has not got itself. Raises
        StoreUnavailable, and then they are looked at again."""
        is_all, changed = self._is_all_changed, self._changed
        self._is_all_changed, self._changed = False, set()
        try:
            if is_all:
                await self._look_at_all()
                return
            ids = sorted(changed)
            for at in range(0, len(ids), _SLICE):
                found = await self._products.many(ids[at : at + _SLICE])
                await self._images.want(found.values(), self._now())
                self._work.set()
        except StoreUnavailable:
            self._is_all_changed |= is_all
            self._changed |= changed
            raise

    async def _look_at_all(self) -> None:
        """Also find which pictures were fetched by another server only, or before a disk was lost,
        and forget those that no product has any more."""
        used: set[str] = set()
        digests: set[str] = set()
        ids = await self._products.ids()
        for at in range(0, len(ids), _SLICE):
            found = await self._products.many(ids[at : at + _SLICE])
            await self._images.want(found.values(), self._now())
            self._work.set()
            urls = {url for each in found.values() for url in urls_of(each)} - used
            records = await self._images.many(sorted(urls))
            had = {url: each.digest for url, each in records.items() if each.state == "fetched"}
            here = await self._files.which(set(had.values()))
            self._missing.extend(url for url, digest in had.items() if digest not in here)
            used |= urls
            digests.update(had.values())
        await self._forget_others(used, digests)

    async def _forget_others(self, used: set[str], digests: set[str]) -> None:
        """What is younger than a day stays: somebody may be about to use it."""
        before = self._now() - UNUSED_KEPT_S
        unused = await self._images.many(sorted(set(await self._images.urls()) - used))
        digests |= {record.digest for record in unused.values() if record.at >= before}
        await self._images.forget([url for url, each in unused.items() if each.at < before])
        await self._files.keep(digests, before)

    async def _next(self, limit: int) -> list[str]:
        """Pictures to fetch now. Raises StoreUnavailable."""
        count = min(limit, len(self._missing))
        if count:
            return [self._missing.popleft() for _ in range(count)]
        return await self._images.claim(self._now(), limit)

    async def gather(self) -> int:
        """Fetch every picture whose time has come; how many. Raises StoreUnavailable."""
        count = 0
        while urls := await self._next(AT_ONCE):
            count += len(urls)
            async with asyncio.TaskGroup() as tasks:
                for url in urls:
                    tasks.create_task(self._fetch(url))
        return count

    async def _fetch(self, url: str) -> None:
        """Fetch one picture and write down what became of it. Raises StoreUnavailable."""
        before = (await self._images.many([url])).get(url, ImageRecord())
        record, next_at = await self._outcome(url, before)
        if before.state == "fetched" and record.state != "fetched":
            record = msgspec.structs.replace(before, tries=record.tries)  # it is still good
        await self._images.save(url, record, next_at)

    async def _outcome(self, url: str, before: ImageRecord) -> tuple[ImageRecord, float | None]:
        """What becomes of `url`, and when to try again."""
        now, tries = self._now(), before.tries + 1
        try:
            data, picture = await self._fetcher.fetch(url)
            named = await self._files.write(data)
        except (ImageUnreachable, NoRoom) as error:
            if tries < MOST_TRIES:
                pause_s = FIRST_PAUSE_S * 4 ** (tries - 1)
                return ImageRecord("waiting", str(error), tries=tries, at=now), now + pause_s
            reason = str(error)
        except ImageRefused as error:
            reason = str(error)
        else:
            return ImageRecord(
                "fetched",
                digest=named,
                content_type=picture.content_type,
                width=picture.width,
                height=picture.height,
                size=len(data),
                tries=tries,
                at=now,
            ), None
        return ImageRecord("failed", reason, tries=tries, at=now), now + AGAIN_AFTER_S

    async def _listen(self) -> NoReturn:
        """Hear which products have changed."""
        async with contextlib.aclosing(self._notices.listen()) as heard:
            async for notice in heard:
                match notice.kind:
                    case "product":
                        self._changed.update(map(ProductId, notice.ids))
                    case "all":
                        self._is_all_changed = True
                    case _:
                        continue
                self._news.set()
        raise RuntimeError("notices have ended")

    async def _look_on(self) -> NoReturn:
        while True:
            await self._news.wait()
            await asyncio.sleep(_GATHERED_WITHIN_S)  # an import tells of thousands, one by one
            self._news.clear()
            try:
                await self.look()
            except StoreUnavailable:
                self._news.set()
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _hand_out(self, tasks: asyncio.TaskGroup) -> NoReturn:
        """Give each picture whose time has come to a task, AT_ONCE at the same time."""
        free = asyncio.Semaphore(AT_ONCE)

        async def fetch(url: str) -> None:
            try:
                await self._fetch(url)
            except StoreUnavailable as error:
                log.info("image_put_off reason=%s", error)
            except Exception:
                log.exception("image_failed")
            finally:
                free.release()

        while True:
            await free.acquire()
            self._work.clear()
            urls: list[str] = []
            with contextlib.suppress(StoreUnavailable):
                urls = await self._next(1)
            if urls:
                tasks.create_task(fetch(urls[0]), name="image")
                continue
            free.release()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._work.wait()
