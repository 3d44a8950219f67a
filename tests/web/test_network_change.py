"""The host's page as the network under it changes."""

from playwright.async_api import Page

from tests.webrtc.chromium import behind, join, leave
from tests.webrtc.relay import CLEAR, Line
from tests.webrtc.server import WhipServer
from tests.webrtc.test_chromium import ATTEMPTS, best_of

BACK_WITHIN_S = 3
DEAD = Line(loss=1)


async def test_path_that_carries_nothing_any_more_is_left_for_a_new_one_within_3_s(
    page: Page, whip_server: WhipServer
) -> None:
    feed = whip_server.feed

    async def back_after_s() -> float:
        seen = len(feed.of("video"))
        await feed.until(lambda: len(feed.of("video")) >= seen + 30)
        relays[-1].change(up=DEAD, down=DEAD)
        cut_s = feed.of("video")[-1].arrived_s
        seen = len(feed.of("video"))
        await feed.until(lambda: len(feed.of("video")) > seen)
        first = feed.of("video")[seen]
        assert first.is_keyframe
        return first.arrived_s - cut_s

    async with behind(page, CLEAR) as relays:
        await join(page, whip_server)
        assert await best_of(ATTEMPTS, back_after_s, BACK_WITHIN_S) <= BACK_WITHIN_S
        await leave(page, feed)

    assert len(relays) >= 2
