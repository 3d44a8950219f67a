from tests.api.client import Client
from tests.api.conftest import SMALL, Invited

SHOWS = "/api/v1/shows"
LANDSCAPE = {
    "id": "landscape",
    "width": 1280,
    "height": 720,
    "fps": 30,
    "video_bitrate": 3_000_000,
    "layout": {
        "background": "#101418",
        "preset": "side-by-side",
        "transition": {"duration_ms": 300, "easing": "ease-in-out"},
    },
    "overlays": [],
    "program": None,
    "recording": None,
}


async def test_a_show_begins_with_one_landscape_canvas(owner: Client) -> None:
    show = await owner.post(SHOWS, {"title": "Autumn"}, 201)

    assert show == {
        "id": show["id"],
        "title": "Autumn",
        "starts_at": None,
        "channels": [],
        "status": "idle",
        "server": None,
        "started_at": None,
        "ended_at": None,
        "durable": True,
        "canvases": {"landscape": LANDSCAPE},
        "feeds": [],
        "targets": [],
        "assets": [],
        "rundown": {"products": [], "pinned": None},
        "sales": {"channels": [], "totals": [], "tiktok_share": {}},
    }
    assert await owner.get(f"{SHOWS}/{show['id']}") == show
    assert await owner.get(SHOWS) == {"shows": [show]}


async def test_a_show_has_the_canvases_and_channels_it_was_given(producer: Client) -> None:
    portrait = {"width": 720, "height": 1280, "fps": 29.97, "video_bitrate": 2_500_000}
    body = {
        "title": "Autumn",
        "starts_at": "2026-12-01T20:00:00+01:00",
        "channels": ["tiktok"],
        "canvases": {"portrait": portrait},
    }

    show = await producer.post(SHOWS, body, 201)

    assert show["starts_at"] == "2026-12-01T19:00:00.000Z"
    assert show["channels"] == ["tiktok"]
    canvas = show["canvases"]["portrait"]
    assert {name: canvas[name] for name in portrait} == portrait
    assert canvas["layout"]["preset"] == "stack"


async def test_what_is_patched_changes_and_the_rest_stays(owner: Client, invited: Invited) -> None:
    await owner.put(f"{invited.path}/canvases/landscape/layout", {"preset": "grid"})

    show = await owner.patch(
        invited.path,
        {"title": "Winter", "canvases": {"landscape": SMALL | {"width": 640}, "portrait": SMALL}},
    )

    assert show["title"] == "Winter"
    assert list(show["canvases"]) == ["landscape", "portrait"]
    assert show["canvases"]["landscape"]["width"] == 640
    assert show["canvases"]["landscape"]["layout"]["preset"] == "grid"
    assert [feed["id"] for feed in show["feeds"]] == ["ann"]

    show = await owner.patch(invited.path, {"canvases": {"portrait": None}, "starts_at": None})
    assert list(show["canvases"]) == ["landscape"]
    assert show["title"] == "Winter"


async def test_a_canvas_that_a_target_sends_is_not_removed(owner: Client, invited: Invited) -> None:
    await owner.patch(invited.path, {"canvases": {"portrait": SMALL}})
    await owner.post(f"{invited.path}/targets", {"platform": "tiktok", "canvas": "portrait"}, 201)

    answer = await owner.call("PATCH", invited.path, {"canvases": {"portrait": None}})

    assert answer.problem() == (409, "canvas 'portrait' is sent to tiktok: move them")


async def test_a_deleted_show_is_gone(owner: Client, invited: Invited) -> None:
    assert (await owner.call("DELETE", invited.path)).status == 204

    assert (await owner.call("GET", invited.path)).status == 404
    assert await owner.get(SHOWS) == {"shows": []}


async def test_a_layout_of_slots_is_taken_as_given(owner: Client, invited: Invited) -> None:
    layout = {
        "background": "#000000",
        "slots": [
            {"feed": "ann", "rect": [0.0, 0.25, 0.5, 0.5], "fit": "contain", "z": 0},
            {"auto": 1, "rect": [0.5, 0.25, 0.5, 0.5], "fit": "cover", "z": 1},
        ],
        "transition": {"duration_ms": 300, "easing": "ease-in-out"},
    }

    answer = await owner.put(f"{invited.path}/canvases/landscape/layout", layout)

    assert answer["layout"] == layout
    assert answer["durable"] is True
    show = await owner.get(invited.path)
    assert show["canvases"]["landscape"]["layout"] == layout


async def test_a_layout_that_names_a_removed_feed_is_edited_further_but_no_other_may_name_it(
    owner: Client, invited: Invited
) -> None:
    canvas = f"{invited.path}/canvases/landscape"
    named = {"slots": [{"feed": "ann", "rect": [0, 0, 1, 1]}]}
    await owner.put(f"{canvas}/layout", named)
    await owner.call("DELETE", invited.feed_path)
    layout = (await owner.get(invited.path))["canvases"]["landscape"]["layout"]

    preview = await owner.call("POST", f"{canvas}/preview", {"layout": layout})
    assert preview.status == 200
    again = await owner.put(f"{canvas}/layout", layout | {"background": "#203040"})
    assert again["layout"]["slots"] == layout["slots"]

    await owner.put(f"{canvas}/layout", {"preset": "solo"})
    refused = await owner.call("PUT", f"{canvas}/layout", named)
    assert (refused.status, refused.json["path"]) == (422, "slots[0].feed")
