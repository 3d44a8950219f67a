"""The host's page as the network under it changes."""

from playwright.async_api import Page

from tests.webrtc.chromium import behind, join, leave
from tests.webrtc.relay import CLEAR, Line
from tests.webrtc.server import WhipServer

BACK_WITHIN_S = 3
DEAD = Line(loss=1)


async def test_path_that_carries_nothing_any_more_is_left_for_a_new_one_within_3_s(
    page: Page, whip_server: WhipServer
) -> None:
    feed = whip_server.feed
    async with behind(page, CLEAR) as relays:
        await join(page, whip_server)
        await feed.until(lambda: len(feed.of("video")) >= 30)

        relays[0].change(up=DEAD, down=DEAD)
        cut_s = feed.of("video")[-1].arrived_s
        seen = len(feed.units)
        await feed.until(lambda: any(unit.kind == "video" for unit in feed.units[seen:]))
        first = next(unit for unit in feed.units[seen:] if unit.kind == "video")
        await leave(page, feed)

    assert len(relays) == 2
    assert first.is_keyframe
    assert first.arrived_s - cut_s <= BACK_WITHIN_S
