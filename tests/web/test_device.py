"""The host's page is known again by a secret of its device."""

import re

from playwright.async_api import Page, Request

from tests.webrtc.chromium import FAKE_CAMERA, Launch, join, leave
from tests.webrtc.server import TOKEN, WhipServer


async def secret(page: Page, server: WhipServer) -> str:
    """Join, leave, and give what the page sent for a secret."""

    def is_offer(request: Request) -> bool:
        return request.method == "POST" and "/whip/" in request.url

    async with page.expect_request(is_offer) as sent:
        await join(page, server)
    await server.feed.until(lambda: server.feed.source is not None)
    await leave(page, server.feed)
    return (await (await sent.value).all_headers())["shopcast-resume"]


async def test_device_keeps_its_secret_over_a_reload_and_shares_it_with_no_other(
    launch: Launch, whip_server: WhipServer
) -> None:
    browser = await launch(FAKE_CAMERA)
    device, other = await browser.new_context(), await browser.new_context()

    first = await secret(await device.new_page(), whip_server)
    again = await secret(await device.new_page(), whip_server)
    another = await secret(await other.new_page(), whip_server)
    kept = str(await device.storage_state())

    assert re.fullmatch("[0-9a-f]{32}", first)
    assert again == first
    assert another != first
    assert TOKEN not in kept
