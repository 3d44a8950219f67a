"""Flash and beep from a real WebRTC sender, looked for in what the RTMP destination gets."""

import numpy as np
import pytest
from aioice import ice

from mediaserver.app import Server
from mediaserver.packet import FeedId, ShowId
from mediaserver.rtmp.events import MediaReceived
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.peers.rtmp_record import Recording, RtmpRecord
from tests.webrtc.flash_and_beep import PERIOD_S, FlashAndBeep, skews

EVENTS = 5


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


async def measured(server: Server, invited: Invited, recording: Recording) -> list[MediaReceived]:
    """What the destination gets in some seconds after sound and picture are in step."""
    show = await server.node.show(ShowId(invited.show))
    feed = show.feed(FeedId(invited.feed))
    while feed.stats().skew_s is None:
        await recording.until_messages(len(recording.media) + 1)
    await until_later(recording, 3 * PERIOD_S)
    begin = len(recording.media)
    await until_later(recording, (EVENTS + 1) * PERIOD_S)
    headers = [m for m in recording.media[:begin] if m.kind != "data" and m.payload[1] == 0]
    return headers + recording.media[begin:]


async def until_later(recording: Recording, seconds: float) -> None:
    """Wait until the destination has so much more of the show."""
    begin_ms = recording.media[-1].timestamp_ms
    while recording.media[-1].timestamp_ms < begin_ms + 1000 * seconds:
        await recording.until_messages(len(recording.media) + 1)


@pytest.mark.parametrize(("sound_late_s", "connections"), [(0.0, 1), (0.3, 2)])
async def test_flash_and_beep_reach_the_destination_together_also_after_a_reconnect(
    owner: Client,
    server: Server,
    invited: Invited,
    destination: RtmpRecord,
    loopback: None,
    sound_late_s: float,
    connections: int,
) -> None:
    await owner.patch(invited.feed_path, {"admitted": True})
    await owner.put(f"{invited.path}/canvases/landscape/layout", {"preset": "solo"})
    body = {"name": "Tube", "platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{invited.path}/targets", body, 201)
    await owner.post(f"{invited.path}/start")
    recording = await destination.recording()
    url = f"{server.base_url}/whip/{invited.show}"

    for _ in range(connections):
        host = FlashAndBeep(url, invited.token, sound_late_s)
        await host.start()
        try:
            found = skews(await measured(server, invited, recording), host.beeps_after_flashes_s)
        finally:
            await host.close()
        print("skew_ms", *(round(skew_s * 1000, 1) for skew_s in found))
        assert len(found) >= EVENTS - 2
        assert np.percentile(np.abs(found), 95) <= 0.040, found
