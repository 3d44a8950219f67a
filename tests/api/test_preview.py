import asyncio
import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.api.client import Client
from tests.api.conftest import Invited
from tests.files import image_file
from tests.peers.rtmp_record import RtmpRecord

PREVIEW = "canvases/landscape/preview"
BLUE = {"preset": "solo", "background": "#0000ff"}


def pixels(png: bytes) -> NDArray[np.uint8]:
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG"
    return np.asarray(picture.convert("RGB"))


async def preview(owner: Client, invited: Invited, body: dict[str, Any]) -> NDArray[np.uint8]:
    answer = await owner.call("POST", f"{invited.path}/{PREVIEW}", body)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/png")
    return pixels(answer.body)


async def test_a_layout_is_looked_at_without_being_taken(owner: Client, invited: Invited) -> None:
    await owner.patch(invited.feed_path, {"admitted": True})
    before = await owner.get(invited.path)
    slot = {"feed": "ann", "rect": [0, 0, 0.5, 1]}

    picture = await preview(owner, invited, {"layout": {"background": "#0000ff", "slots": [slot]}})

    assert picture.shape == (180, 320, 3)
    assert abs(picture[90, 300].astype(int) - [0, 0, 255]).max() < 8
    assert picture[90, 10, 2] < 100  # the slate of a host who is not there
    assert await owner.get(invited.path) == before


async def test_what_is_left_out_is_as_it_is_on_the_canvas(owner: Client, invited: Invited) -> None:
    overlays = [{"kind": "ticker", "rect": [0, 0, 1, 0.5], "text": ".", "box": "#ff0000"}]
    await owner.put(f"{invited.path}/canvases/landscape/overlays", overlays)

    kept = await preview(owner, invited, {"layout": BLUE})
    without = await preview(owner, invited, {"overlays": []})

    assert kept[20, 20, 0] > 240
    assert without[20, 20, 0] < 100


async def test_uploaded_images_are_in_it(owner: Client, invited: Invited) -> None:
    answer = await owner.call(
        "POST", f"{invited.path}/assets", data=image_file(colour="#00ff00"),
        headers={"Content-Type": "image/png"},
    )  # fmt: skip
    image = {"kind": "image", "rect": [0, 0, 1, 1], "image": answer.json["id"], "fit": "fill"}

    picture = await preview(owner, invited, {"overlays": [image]})

    assert abs(picture.astype(int) - [0, 255, 0]).max() < 8


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"layout": {"preset": "mosaic"}}, "layout.preset"),
        ({"layout": {"slots": [{"feed": "bob", "rect": [0, 0, 1, 1]}]}}, "layout.slots[0].feed"),
        ({"layout": {"preset": "solo", "background": {"image": "x"}}}, "layout.background.image"),
        ({"overlays": [{"kind": "none"}]}, "overlays[0].kind"),
        ({"overlays": 5}, "overlays"),
    ],
)
async def test_what_cannot_be_shown_says_where(
    body: dict[str, Any], path: str, owner: Client, invited: Invited
) -> None:
    answer = await owner.call("POST", f"{invited.path}/{PREVIEW}", body)

    assert answer.problem()[0] == 422
    assert answer.json["path"] == path


async def test_the_program_does_not_see_it(
    owner: Client, invited: Invited, destination: RtmpRecord
) -> None:
    body = {"platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{invited.path}/targets", body, 201)
    await owner.post(f"{invited.path}/start")
    recording = await destination.recording()
    await recording.until_messages(10)

    pictures = await asyncio.gather(
        *(preview(owner, invited, {"layout": BLUE | {"preset": name}}) for name in ("solo", "grid"))
    )
    await recording.until_messages(len(recording.media) + 30)

    on_air = await owner.call("GET", f"{invited.path}/canvases/landscape/snapshot.jpg")
    assert np.asarray(Image.open(io.BytesIO(on_air.body)))[90, 5, 2] < 100
    assert len(pictures) == 2
