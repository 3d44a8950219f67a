"""The feeds of a show, made and set as its record says."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Mapping

from mediaserver.feed import Feed, Source
from mediaserver.feed_state import FeedState
from mediaserver.media import Media
from mediaserver.packet import FeedId, ShowId
from mediaserver.state import ShowRecord
from mediaserver.wanted import Wanted

_SOURCE_CLOSE_TIMEOUT_S = 1.0

log = logging.getLogger(__name__)

Sight = tuple[FeedState, bool, bool, Wanted | None]
"""What of a feed changes without a command: its state, whether its host is connected, whether
another device waits to be, and how large a picture is wanted of it."""


class Cast:
    """`wanted` is how large a picture the show's canvases want of each feed now."""

    def __init__(self, show_id: ShowId, media: Media) -> None:
        self.feeds: dict[FeedId, Feed] = {}
        self.wanted: Mapping[str, Wanted] = {}
        self._show_id = show_id
        self._media = media
        self._seen: dict[FeedId, Sight] = {}

    def follow(self, before: ShowRecord, record: ShowRecord) -> list[Feed]:
        """Be as `record` says; gives the feeds whose connections it ends."""
        parting = []
        for feed_id, kept in record.feeds.items():
            feed = self.feeds.get(feed_id)
            if feed is None:
                feed = self.feeds[feed_id] = self._media.feed(feed_id, kept.name)
            elif feed_id in before.feeds and before.feeds[feed_id].token_hash != kept.token_hash:
                parting.append(feed)
            known = before.feeds.get(feed_id)
            if known is None or known.device_hash != kept.device_hash:
                feed.device = kept.device_hash
            feed.name = kept.name
            feed.admitted = kept.admitted_at is not None
            feed.gain_db = kept.gain_db
            feed.muted = kept.muted
            feed.solo = kept.solo
        for feed_id in before.feeds.keys() - record.feeds.keys():
            self._seen.pop(feed_id, None)
            parting.append(self.feeds.pop(feed_id))
        return parting

    def told(self, feed_id: FeedId) -> None:
        """Everybody knows the feed as it is now."""
        self._seen[feed_id] = self._sight(feed_id)

    def changed(self) -> list[FeedId]:
        """The feeds that look otherwise than when they were last told of."""
        changed = []
        for feed_id in self.feeds:
            before, sight = self._seen.get(feed_id), self._sight(feed_id)
            if before == sight:
                continue
            changed.append(feed_id)
            if before is None or before[:3] != sight[:3]:
                log.info(
                    "feed_state show=%s feed=%s state=%s connected=%s contender=%s",
                    *(self._show_id, feed_id, *sight[:3]),
                )
        return changed

    def left_to_contenders(self) -> list[FeedId]:
        """The feeds whose hosts are gone, while another device waits."""
        feeds = self.feeds.items()
        return [key for key, feed in feeds if feed.contender and feed.state() == "gone"]

    def devices(self) -> dict[FeedId, str]:
        """From where each feed was brought last."""
        return {key: feed.device for key, feed in self.feeds.items() if feed.device is not None}

    def is_empty(self) -> bool:
        """Whether no host is there, or was a moment ago."""
        return all(feed.state() == "gone" for feed in self.feeds.values())

    def _sight(self, feed_id: FeedId) -> Sight:
        feed = self.feeds[feed_id]
        contends = feed.contender is not None
        return feed.state(), feed.source is not None, contends, self.wanted.get(feed_id)


async def part(feeds: Iterable[Feed]) -> None:
    """Close the connections of `feeds`."""
    sources = []
    for feed in feeds:
        contender = feed.contender[0] if feed.contender else None
        for source in (feed.source, contender):
            if source is not None:
                feed.detach(source, left=True)
                sources.append(source)
    await close(*sources)


async def close(*sources: Source) -> None:
    """End connections, as far as they do so in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SOURCE_CLOSE_TIMEOUT_S):
            await asyncio.gather(*(source.close() for source in sources))
