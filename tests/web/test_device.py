"""The host's page is known again by a secret of its device."""

import re

from playwright.async_api import Page, Response

from tests.webrtc.chromium import FAKE_CAMERA, Launch, join, leave
from tests.webrtc.server import TOKEN, WhipServer


async def secret(page: Page, server: WhipServer) -> str:
    """Join, leave, and give what the page sent for a secret."""

    def is_session(answer: Response) -> bool:
        return answer.request.method == "POST" and "/whip/" in answer.url

    async with page.expect_response(is_session) as answered:
        await join(page, server)
    answer = await answered.value
    assert answer.status == 201
    await leave(page, server.feed)
    return (await answer.request.all_headers())["shopcast-resume"]


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
