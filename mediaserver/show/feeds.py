"""Commands on a show's feeds: invitations, admission, and how a feed sounds."""

import logging
from typing import Any

import msgspec

from mediaserver.errors import Conflict
from mediaserver.packet import FeedId
from mediaserver.secret import new_token, token_hash
from mediaserver.show.cast import close
from mediaserver.show.core import ShowCore
from mediaserver.show.slug import slug
from mediaserver.state import FeedRecord
from sync.secret import Secret

log = logging.getLogger(__name__)

MAX_FEEDS = 64


class FeedCommands(ShowCore):
    async def add_feed(self, name: str, *, admitted: bool) -> tuple[FeedId, Secret, bool]:
        """A new invitation: its id, its token (never shown again), and whether it is stored."""
        async with self._lock:
            if len(self.record.feeds) >= MAX_FEEDS:
                raise Conflict(f"a show has at most {MAX_FEEDS} feeds: remove one first")
            feed_id = FeedId(slug(name, "feed", self.record.feeds))
            token = new_token("host")
            record = FeedRecord(name, token_hash(token), self._now() if admitted else None)
            return feed_id, token, await self._commit(self.record.with_feed(feed_id, record))

    async def change_feed(
        self,
        feed_id: FeedId,
        *,
        name: str | None = None,
        admitted: bool | None = None,
        gain_db: float | None = None,
        muted: bool | None = None,
        solo: bool | None = None,
    ) -> bool:
        async with self._lock:
            record = self._feed_record(feed_id)
            changes: dict[str, Any] = {
                "name": name,
                "gain_db": gain_db,
                "muted": muted,
                "solo": solo,
            }
            changes = {field: value for field, value in changes.items() if value is not None}
            if admitted is not None and admitted != (record.admitted_at is not None):
                changes["admitted_at"] = self._now() if admitted else None
            changed = msgspec.structs.replace(record, **changes)
            if admitted and self._cast.feeds[feed_id].contender is not None:
                return await self._take_over(feed_id, changed)
            return await self._commit(self.record.with_feed(feed_id, changed))

    async def _take_over(self, feed_id: FeedId, record: FeedRecord) -> bool:
        """Let the contender bring the feed, which is as `record` says from now on."""
        feed = self._cast.feeds[feed_id]
        if feed.contender is not None:
            record = msgspec.structs.replace(record, device_hash=feed.contender[1])
        durable = await self._commit(self.record.with_feed(feed_id, record))
        replaced = feed.take_over()
        if replaced is not None:
            await close(replaced)
        log.info("feed_taken_over show=%s feed=%s", self.id, feed_id)
        return durable

    async def _note_devices(self) -> None:
        """Let those who wait have the feeds that were left to them, in the green room, and store
        from where each feed is brought."""
        for feed_id in self._cast.left_to_contenders():
            waiting = msgspec.structs.replace(self._feed_record(feed_id), admitted_at=None)
            await self._take_over(feed_id, waiting)
        for feed_id, device in self._cast.devices().items():
            record = self._feed_record(feed_id)
            if record.device_hash != device:
                changed = msgspec.structs.replace(record, device_hash=device)
                await self._commit(self.record.with_feed(feed_id, changed))

    async def reissue_token(self, feed_id: FeedId) -> tuple[Secret, bool]:
        """A new token; the old one is dead, and so is the connection made with it."""
        async with self._lock:
            record = self._feed_record(feed_id)
            token = new_token("host")
            changed = msgspec.structs.replace(
                record, token_hash=token_hash(token), device_hash=None
            )
            durable = await self._commit(self.record.with_feed(feed_id, changed))
            return token, durable

    async def remove_feed(self, feed_id: FeedId) -> bool:
        async with self._lock:
            self._feed_record(feed_id)
            return await self._commit(self.record.without_feed(feed_id))
