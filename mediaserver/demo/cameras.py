"""The process that plays two hosts: publishes a synthetic camera for each invitation.

Reads one line of JSON, a list of `{"whip_url", "token"}`, one for each camera; prints `sending`
once all are connected; ends when its standard input closes or a connection is lost.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

import msgspec

from mediaserver.demo.broadcast import Invitation
from mediaserver.demo.camera import CAMERAS, camera_clip
from mediaserver.demo.child import standard_input
from mediaserver.demo.publisher import Publisher, clip_tracks, publish_over_loopback


async def publish() -> None:
    parent = await standard_input()
    invitations = msgspec.json.decode(await parent.readline(), type=list[Invitation])
    async with AsyncExitStack() as sessions:
        ends: list[asyncio.Task[object]] = [asyncio.create_task(parent.read())]
        for camera, invitation in zip(CAMERAS, invitations, strict=True):
            clip = await asyncio.to_thread(camera_clip, camera)
            publisher = Publisher(invitation.whip_url, invitation.token, clip_tracks(clip))
            await sessions.enter_async_context(publisher)
            ends.append(asyncio.create_task(publisher.ended(), name=camera.name))
        print("sending", flush=True)
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends[1:]:
            if end.done():
                print(f"{end.get_name()} lost its connection", file=sys.stderr)
            end.cancel()


if __name__ == "__main__":
    publish_over_loopback()
    asyncio.run(publish())
