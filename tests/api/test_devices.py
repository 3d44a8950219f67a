"""Two real devices with one invitation: whose picture the feed has."""

from contextlib import AsyncExitStack

import av
import pytest
from aiohttp import hdrs

from mediaserver.api.whip import LONGEST_RESUME_SECRET
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.webrtc.publisher import HEIGHT, WIDTH, NumberedPictures, Publisher


class Upright(NumberedPictures):
    """Pictures that are told from the other device's by their shape."""

    async def recv(self) -> av.VideoFrame:
        frame = await super().recv()
        upright = frame.reformat(width=HEIGHT, height=WIDTH)
        upright.pts, upright.time_base = frame.pts, frame.time_base
        return upright


async def test_another_devices_picture_is_shown_when_it_is_admitted(
    owner: Client, invited: Invited
) -> None:
    url = f"{owner.base_url}/whip/{invited.show}"
    async with AsyncExitStack() as stack:
        phone, laptop = Publisher("VP8"), Publisher("VP8", Upright())
        for device in (phone, laptop):
            stack.push_async_callback(device.close)
        events = await stack.enter_async_context(owner.events(f"{invited.path}/events"))
        await owner.patch(invited.feed_path, {"admitted": True})
        await phone.publish(url, invited.token, resume_secret="of the phone")
        await owner.post(f"{invited.path}/canvases/landscape/recording/start")
        await events.until("feed", state="on", width=WIDTH, contender=False)

        await laptop.publish(url, invited.token, resume_secret="of the laptop")
        waiting = await events.until("feed", contender=True)
        await owner.patch(invited.feed_path, {"admitted": True})
        await events.until("feed", contender=False)
        while (await owner.get(invited.path))["feeds"][0]["width"] != HEIGHT:
            pass

    assert (waiting["width"], waiting["connected"]) == (WIDTH, True)


@pytest.mark.parametrize("length", [LONGEST_RESUME_SECRET + 1, 5000])
async def test_a_resume_secret_that_is_too_long_is_refused(
    length: int, owner: Client, invited: Invited
) -> None:
    answer = await owner.as_(invited.token).call(
        "POST",
        f"/whip/{invited.show}",
        headers={"Shopcast-Resume": "x" * length, hdrs.CONTENT_TYPE: "application/sdp"},
    )

    assert answer.problem()[1] == "Shopcast-Resume has at most 200 characters"


async def test_pages_from_anywhere_may_send_the_resume_secret(
    owner: Client, invited: Invited
) -> None:
    answer = await owner.call("OPTIONS", f"/whip/{invited.show}")

    assert "Shopcast-Resume" in answer.headers["Access-Control-Allow-Headers"]
