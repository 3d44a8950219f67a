from typing import Any

import aiohttp
import pytest

from compositor.assets import MAX_FONT_BYTES
from mediaserver.app import running
from mediaserver.settings import Settings
from tests.api.client import Answer, Client
from tests.api.conftest import Invited
from tests.control.hosting import hosted
from tests.files import font_file, image_file, spoilt_font
from tests.peers.rtmp_record import RtmpRecord

LANDSCAPE = "canvases/landscape"


async def upload(owner: Client, path: str, data: bytes, name: str = "Logo") -> Answer:
    headers = {"Content-Type": "application/octet-stream"}
    return await owner.call("POST", f"{path}/assets?name={name}", data=data, headers=headers)


@pytest.mark.parametrize(
    ("kind", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
async def test_an_uploaded_image_is_listed_and_given_back(
    kind: str, content_type: str, owner: Client, invited: Invited
) -> None:
    data = image_file(kind)

    answer = await upload(owner, invited.path, data)
    listed = await owner.get(f"{invited.path}/assets")
    given = await owner.call("GET", answer.headers["Location"])

    assert answer.status == 201
    assert answer.json == {
        "id": answer.json["id"],
        "name": "Logo",
        "kind": "image",
        "content_type": content_type,
        "bytes": len(data),
        "width": 8,
        "height": 6,
        "durable": True,
    }
    asset = {key: value for key, value in answer.json.items() if key != "durable"}
    assert listed == {"assets": [asset]}
    assert (await owner.get(invited.path))["assets"] == [asset]
    assert (given.headers["Content-Type"], given.body) == (content_type, data)


async def test_a_font_is_taken_and_used(owner: Client, invited: Invited) -> None:
    answer = await upload(owner, invited.path, font_file())
    text = {"kind": "text", "rect": [0, 0, 1, 1], "text": "Aя", "font": answer.json["id"]}
    await owner.put(f"{invited.path}/{LANDSCAPE}/overlays", [text])

    assert (answer.json["kind"], answer.json["content_type"]) == ("font", "font/ttf")
    assert (answer.json["width"], answer.json["height"]) == (None, None)


async def test_the_same_file_twice_is_one_asset(owner: Client, invited: Invited) -> None:
    first = await upload(owner, invited.path, image_file())
    second = await upload(owner, invited.path, image_file(), "Again")

    assert second.json["id"] == first.json["id"]
    assert len((await owner.get(f"{invited.path}/assets"))["assets"]) == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 422),
        (b"<svg/>", 422),
        (image_file()[:-30], 422),
        (b"OTTO" + bytes(100), 422),
        (spoilt_font(b"glyf"), 422),
        (image_file(size=(5000, 4000)), 422),
        (bytes(MAX_FONT_BYTES + 1), 413),
    ],
    ids=["empty", "svg", "cut off", "no font", "spoilt font", "too many pixels", "too large"],
)
async def test_what_is_no_harmless_image_or_font_is_refused(
    data: bytes, status: int, owner: Client, invited: Invited
) -> None:
    answer = await upload(owner, invited.path, data)

    assert answer.problem()[0] == status
    assert await owner.get(f"{invited.path}/assets") == {"assets": []}


async def test_an_asset_in_use_stays_until_it_is_taken_off(owner: Client, invited: Invited) -> None:
    asset = (await upload(owner, invited.path, image_file())).json["id"]
    path = f"{invited.path}/assets/{asset}"
    image = {"kind": "image", "rect": [0, 0, 1, 1], "image": asset}
    await owner.put(f"{invited.path}/{LANDSCAPE}/overlays", [image])
    as_overlay = await owner.call("DELETE", path)
    backdrop = {"preset": "solo", "background": {"image": asset}}
    await owner.put(f"{invited.path}/{LANDSCAPE}/layout", backdrop)
    await owner.put(f"{invited.path}/{LANDSCAPE}/overlays", [])
    as_backdrop = await owner.call("DELETE", path)
    await owner.put(f"{invited.path}/{LANDSCAPE}/layout", {"preset": "solo"})

    gone = await owner.call("DELETE", path)

    words = "it is in use on landscape: take it off there first"
    assert as_overlay.problem() == as_backdrop.problem() == (409, words)
    assert gone.json == {"durable": True}
    assert (await owner.call("GET", path)).problem()[0] == 404
    assert (await owner.call("DELETE", path)).problem()[0] == 404


async def test_a_show_has_room_for_so_many_and_no_more(
    owner: Client, invited: Invited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediaserver.assets.MAX_ASSETS", 1)
    await upload(owner, invited.path, image_file())

    answer = await upload(owner, invited.path, image_file(colour="#00ff00"))

    assert answer.problem() == (409, "a show has at most 1 images and fonts: delete some first")


async def test_listeners_hear_of_assets(owner: Client, invited: Invited) -> None:
    async with owner.events(f"{invited.path}/events") as events:
        await events.until("state")
        asset = (await upload(owner, invited.path, image_file())).json["id"]
        came = await events.until("asset")
        await owner.call("DELETE", f"{invited.path}/assets/{asset}")
        went = await events.until("asset_removed")

    assert (came["id"], came["name"], went) == (asset, "Logo", {"id": asset})


async def test_of_another_show_an_asset_is_not_known(owner: Client, invited: Invited) -> None:
    asset = (await upload(owner, invited.path, image_file())).json["id"]
    other = await owner.post("/api/v1/shows", {"title": "Other"}, 201)
    path = f"/api/v1/shows/{other['id']}"

    answer = await owner.call(
        "PUT", f"{path}/{LANDSCAPE}/layout", {"preset": "solo", "background": {"image": asset}}
    )

    assert answer.problem()[0] == 422
    assert answer.json["path"] == "background.image"
    assert (await owner.call("GET", f"{path}/assets/{asset}")).status == 404


async def test_images_and_overlays_come_back_after_a_restart_and_go_on_air(
    settings: Settings, destination: RtmpRecord
) -> None:
    async with hosted(running(settings)) as first, aiohttp.ClientSession() as http:
        owner = Client(http, first.base_url, first.owner_token.reveal())
        show = await owner.post("/api/v1/shows", {"title": "Autumn"}, 201)
        path = f"/api/v1/shows/{show['id']}"
        asset = (await upload(owner, path, image_file())).json
        overlay: dict[str, Any] = {
            "kind": "image", "rect": [0, 0, 1, 1], "image": asset["id"],
        }  # fmt: skip
        put = await owner.put(f"{path}/{LANDSCAPE}/overlays", [overlay])
    async with hosted(running(settings)) as second, aiohttp.ClientSession() as http:
        owner = Client(http, second.base_url, second.owner_token.reveal())
        show = await owner.get(path)
        given = await owner.call("GET", f"{path}/assets/{asset['id']}")
        body = {"platform": "custom", "url": destination.url, "stream_key": "k"}
        await owner.post(f"{path}/targets", body, 201)
        await owner.post(f"{path}/start")
        await (await destination.recording()).until_messages(10)

    assert show["canvases"]["landscape"]["overlays"] == put["overlays"]
    assert [kept["id"] for kept in show["assets"]] == [asset["id"]]
    assert given.body == image_file()
