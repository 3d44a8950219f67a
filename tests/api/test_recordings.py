import asyncio
import io
import shutil
from pathlib import Path
from typing import Any

import av
import pytest

from mediaserver.app import Server
from mediaserver.errors import Conflict
from mediaserver.packet import CanvasId, ShowId
from mediaserver.settings import RecordingSettings, Settings
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.api.test_on_air import target
from tests.peers.rtmp_record import RtmpRecord

START, STOP = "canvases/landscape/recording/start", "canvases/landscape/recording/stop"


async def until_written(owner: Client, invited: Invited, minimum: int) -> dict[str, Any]:
    """The file that grows, once it has so many bytes."""
    async with asyncio.timeout(30):
        while True:
            files = (await owner.get(f"{invited.path}/recordings"))["recordings"]
            for file in files:
                if file["recording"] and file["bytes"] >= minimum:
                    return dict(file)


async def test_a_canvas_is_recorded_off_air_and_the_file_is_fetched_and_deleted(
    owner: Client, invited: Invited
) -> None:
    started = await owner.post(f"{invited.path}/{START}")
    growing = await until_written(owner, invited, 4000)
    show = await owner.get(invited.path)
    while_growing = await owner.call("DELETE", f"{invited.path}/recordings/{growing['name']}")
    kept = await owner.call("DELETE", invited.path)
    stopped = await owner.post(f"{invited.path}/{STOP}")
    (file,) = (await owner.get(f"{invited.path}/recordings"))["recordings"]
    path = f"{invited.path}/recordings/{file['name']}"
    whole = await owner.call("GET", path)
    part = await owner.call("GET", path, headers={"Range": "bytes=4-7"})

    assert started["recording"]["status"] == "recording"
    assert show["status"] == "idle"
    assert show["canvases"]["landscape"]["program"] is not None
    assert while_growing.problem() == (409, "this file is being written: stop the recording first")
    assert kept.problem()[0] == 409
    assert stopped["recording"] | {"bytes_written": 0} == {
        "status": "stopped",
        "since": stopped["recording"]["since"],
        "file": file["name"],
        "parts": 1,
        "bytes_written": 0,
        "frames_dropped": 0,
        "reason": None,
    }
    assert (file["canvas"], file["recording"]) == ("landscape", False)
    assert file["bytes"] == stopped["recording"]["bytes_written"] == len(whole.body)
    assert whole.headers["Content-Type"] == "video/mp4"
    assert (part.status, part.body) == (206, b"ftyp")
    with av.open(io.BytesIO(whole.body), "r") as container:
        assert container.streams.audio[0].rate == 48_000
        assert sum(1 for _ in container.decode(video=0)) >= 5

    assert (await owner.call("DELETE", path)).status == 204
    assert (await owner.call("DELETE", path)).status == 404
    assert (await owner.get(f"{invited.path}/recordings")) == {"recordings": []}
    assert (await owner.call("DELETE", invited.path)).status == 204


async def test_a_recording_goes_on_while_targets_come_and_go_and_ends_with_the_show(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    tube = await target(owner, invited, destination.url)
    await owner.post(f"{invited.path}/{START}")
    await owner.post(f"{invited.path}/start")
    await (await destination.recording()).until_messages(10)
    await owner.post(f"{invited.path}/targets/{tube}/stop")
    growing = await until_written(owner, invited, 4000)
    show = await owner.post(f"{invited.path}/end")

    assert show["canvases"]["landscape"]["recording"]["file"] == growing["name"]
    assert show["canvases"]["landscape"]["recording"]["status"] == "stopped"
    assert show["canvases"]["landscape"]["recording"]["parts"] == 1


async def test_a_show_whose_recording_has_no_file_yet_is_not_deleted_either(
    invited: Invited, server: Server
) -> None:
    show = await server.node.show(ShowId(invited.show))
    await show.start_recording(CanvasId("landscape"))

    with pytest.raises(Conflict, match="is being recorded"):
        await server.node.delete(show.id)

    await show.stop_recording(CanvasId("landscape"))
    await server.node.delete(show.id)


async def test_what_runs_is_not_started_twice_nor_stopped_twice(
    owner: Client, invited: Invited
) -> None:
    idle = await owner.call("POST", f"{invited.path}/{STOP}")
    await owner.post(f"{invited.path}/{START}")
    again = await owner.call("POST", f"{invited.path}/{START}")
    elsewhere = await owner.call("POST", f"{invited.path}/canvases/none/recording/start")
    assert idle.problem() == (409, "the canvas is not being recorded")
    assert again.problem() == (409, "the canvas is being recorded already")
    assert elsewhere.status == 404


async def test_a_recording_that_stops_by_itself_is_told_and_can_be_begun_again(
    owner: Client, invited: Invited, data_dir: Path
) -> None:
    place = data_dir / "recordings" / invited.show
    async with owner.events(f"{invited.path}/events") as events:
        await owner.post(f"{invited.path}/{START}")
        growing = await until_written(owner, invited, 1)
        await asyncio.to_thread(shutil.rmtree, place)
        while (canvas := await events.until("canvas"))["recording"]["reason"] is None:
            pass
        async with asyncio.timeout(30):
            while (await owner.call("POST", f"{invited.path}/{START}")).status != 200:
                pass
    assert canvas["recording"]["file"] == growing["name"]
    assert canvas["recording"]["reason"].startswith("the file cannot be written: ")
    await until_written(owner, invited, 1)


class TestFullDisk:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(
            http=settings.http,
            rtmp=settings.rtmp,
            store=settings.store,
            encoder=settings.encoder,
            recording=RecordingSettings(reserve_mib=1 << 30),
        )

    async def test_no_recording_begins(self, owner: Client, invited: Invited) -> None:
        refused = await owner.call("POST", f"{invited.path}/{START}")
        assert refused.status == 409
        assert "delete old ones" in refused.problem()[1]
        show = await owner.get(invited.path)
        assert show["canvases"]["landscape"]["program"] is None
