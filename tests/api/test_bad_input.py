"""What cannot be used is answered with a problem that says what to do, and changes nothing."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mediaserver.api.bodies import MAX_BODY_BYTES
from tests.api.client import Client
from tests.api.conftest import SMALL, Invited

SHOWS = "/api/v1/shows"
FEED = "{show}/feeds/ann"
FEEDS, TARGETS, LAYOUT = "{show}/feeds", "{show}/targets", "{show}/canvases/landscape/layout"
OVERLAYS = "{show}/canvases/landscape/overlays"
PREVIEW = "{show}/canvases/landscape/preview"
ASSETS = "{show}/assets"
RTMP = {"platform": "custom", "url": "rtmp://a.example/live", "stream_key": "k"}


def canvas(**changes: Any) -> dict[str, Any]:
    return {"title": "x", "canvases": {"main": {**SMALL, **changes}}}


SIDES = "must be an even number from 64 to 4096, not"
YEARS = "must be in the years 2000 to 2100"
RATES = "must be one of 23.976, 24, 25, 29.97, 30, 50, 59.94, 60, not"

BAD: list[tuple[str, str, Any, int, str | None, str]] = [
    ("POST", SHOWS, [], 422, None, "Expected `object`, got `array`"),
    ("POST", SHOWS, {}, 422, None, "Object missing required field `title`"),
    ("POST", SHOWS, {"title": 5}, 422, "title", "title: Expected `str`, got `int`"),
    ("POST", SHOWS, {"title": ""}, 422, "title", "title: Expected `str` of length >= 1"),
    ("POST", SHOWS, {"titel": "x"}, 422, None, "Object contains unknown field `titel`"),
    (
        *("POST", SHOWS, {"title": "x", "starts_at": "soon"}, 422, "starts_at"),
        "starts_at: Invalid RFC3339 encoded datetime",
    ),
    *(
        (method, path, {"title": "x", "starts_at": moment}, 422, "starts_at", f"starts_at: {YEARS}")
        for method, path in (("POST", SHOWS), ("PATCH", "{show}"))
        for moment in (
            *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
            *("1999-12-31T23:59:59Z", "2101-01-01T00:00:00Z"),
        )
    ),
    ("POST", SHOWS, {"title": "x", "canvases": {}}, 422, "canvases", "a show has 1 to 4 canvases"),
    ("POST", SHOWS, canvas(width=0), 422, "canvases.main.width", f"{SIDES} 0"),
    ("POST", SHOWS, canvas(width=321), 422, "canvases.main.width", f"{SIDES} 321"),
    ("POST", SHOWS, canvas(height=20_000), 422, "canvases.main.height", f"{SIDES} 20000"),
    ("POST", SHOWS, canvas(height=-2), 422, "canvases.main.height", f"{SIDES} -2"),
    (
        *("POST", SHOWS, canvas(width=4096, height=4096), 422, "canvases.main"),
        "4096×4096 is more than 3840×2160 pixels",
    ),
    ("POST", SHOWS, canvas(fps=0), 422, "canvases.main.fps", f"{RATES} 0"),
    ("POST", SHOWS, canvas(fps=31), 422, "canvases.main.fps", f"{RATES} 31"),
    ("POST", SHOWS, canvas(fps=1e300), 422, "canvases.main.fps", f"{RATES} 1e+300"),
    (
        *("POST", SHOWS, canvas(video_bitrate=1), 422, "canvases.main.video_bitrate"),
        "must be from 100000 to 50000000 bits a second, not 1",
    ),
    ("GET", f"{SHOWS}/none", None, 404, None, "there is no show 'none'"),
    ("PATCH", "{show}", {"canvases": {"landscape": None}}, 422, "canvases", "a show has 1 to 4"),
    ("POST", FEEDS, {"name": "x" * 101}, 422, "name", "name: Expected `str` of length <= 100"),
    ("PATCH", f"{FEEDS}/none", {"admitted": True}, 404, None, "there is no feed 'none'"),
    ("DELETE", f"{FEEDS}/none", None, 404, None, "there is no feed 'none'"),
    ("POST", f"{FEEDS}/none/token", None, 404, None, "there is no feed 'none'"),
    ("GET", f"{FEEDS}/none/thumbnail.jpg", None, 404, None, "there is no feed 'none'"),
    ("GET", f"{FEEDS}/none/events", None, 404, None, "there is no feed 'none'"),
    ("PATCH", FEED, {"gain_db": 100}, 422, "gain_db", "gain_db: Expected `float` <= 20"),
    ("PATCH", FEED, {"muted": "yes"}, 422, "muted", "muted: Expected `bool`, got `str`"),
    ("PUT", LAYOUT, {"preset": "mosaic"}, 422, "preset", "preset: must be one of solo, "),
    (
        *("PUT", LAYOUT, {"slots": [{"auto": 1, "rect": [0, 0, 2, 1]}]}, 422),
        *("slots[0].rect[2]", "slots[0].rect[2]: must be a number from 0 to 1"),
    ),
    (
        *("PUT", LAYOUT, {"slots": [{"feed": "bob", "rect": [0, 0, 1, 1]}]}, 422),
        *("slots[0].feed", "slots[0].feed: there is no feed 'bob'; feeds: ann"),
    ),
    (
        *("PUT", "{show}/canvases/none/layout", {"preset": "solo"}, 404, None),
        "there is no canvas 'none'",
    ),
    ("PUT", OVERLAYS, {}, 422, None, "Expected `array`, got `object`"),
    ("PUT", OVERLAYS, [{"kind": "sticker"}], 422, "[0].kind", "[0].kind: must be one of text, "),
    ("PUT", "{show}/canvases/none/overlays", [], 404, None, "there is no canvas 'none'"),
    ("POST", PREVIEW, {"layuot": {}}, 422, None, "Object contains unknown field `layuot`"),
    (
        "POST",
        PREVIEW,
        {"layout": {}},
        422,
        "layout.slots",
        "layout.slots: is missing; a layout has slots or a preset",
    ),
    ("POST", "{show}/canvases/none/preview", {}, 404, None, "there is no canvas 'none'"),
    ("POST", ASSETS, {}, 422, None, "is no PNG, JPEG or WebP image that can be read"),
    ("POST", f"{ASSETS}?name={'x' * 101}", {}, 422, "name", "name: must be at most 100"),
    ("GET", f"{ASSETS}/none", None, 404, None, "there is no image or font 'none'"),
    ("DELETE", f"{ASSETS}/none", None, 404, None, "there is no image or font 'none'"),
    ("GET", "{show}/canvases/none/snapshot.jpg", None, 404, None, "there is no canvas 'none'"),
    (
        *("GET", "{show}/canvases/landscape/snapshot.jpg", None, 409, None),
        "the canvas is not being made: nobody sends, records or watches it",
    ),
    *(
        (
            *(method, path, {"platform": "vimeo"}, 422, "platform"),
            "platform: must be one of tiktok, youtube, facebook, instagram, twitch, custom, "
            "not 'vimeo'",
        )
        for method, path in (("POST", TARGETS), ("PATCH", f"{TARGETS}/none"))
    ),
    (
        *("POST", TARGETS, {"platform": "v" * 1000}, 422, "platform"),
        f"custom, not '{'v' * 60}…'",
    ),
    *(
        (
            *(method, path, canvas(width="wide"), 422, "canvases.main.width"),
            "canvases.main.width: Expected `int`, got `str`",
        )
        for method, path in (("POST", SHOWS), ("PATCH", "{show}"))
    ),
    (
        *("POST", SHOWS, canvas(widht=2), 422, "canvases.main"),
        "canvases.main: Object contains unknown field `widht`",
    ),
    ("POST", SHOWS, {"t" * 1000: "x"}, 422, None, f"unknown field `{'t' * 129}…"),
    (
        *("PATCH", "{show}", {"canvases": {"Main 1": SMALL}}, 422, "canvases"),
        "canvases: a canvas is named with 1 to 32 of a-z, 0-9 and -, not 'Main 1'",
    ),
    (
        *("POST", SHOWS, {"title": "x", "channels": ["Tik Tok"]}, 422, "channels[0]"),
        "channels[0]: must be of the form ^[a-z0-9-]{1,32}$",
    ),
    *(
        (
            *("POST", SHOWS, canvas(**{field: int("9" * 400)}), 422, f"canvases.main.{field}"),
            f", not {'9' * 60}…",
        )
        for field in ("width", "fps", "video_bitrate")
    ),
    (
        *("POST", TARGETS, RTMP | {"url": "https://a.example/live"}, 422, "url"),
        "url: the address must begin with rtmp:// or rtmps://",
    ),
    ("POST", TARGETS, RTMP | {"url": "rtmp://"}, 422, "url", "url: the address names no server"),
    (
        *("POST", TARGETS, RTMP | {"url": "rtmp://ann:secret@a.example/live"}, 422, "url"),
        "url: a user name and password in the address are not supported",
    ),
    (
        *("POST", TARGETS, RTMP | {"platform": "facebook"}, 422, "url"),
        "url: facebook takes rtmps:// addresses only",
    ),
    (
        *("POST", TARGETS, RTMP | {"canvas": "none"}, 422, "canvas"),
        "canvas: there is no canvas 'none'; canvases: landscape",
    ),
    (
        *("POST", TARGETS, RTMP | {"stream_key": "a\u0000b"}, 422, "stream_key"),
        "stream_key: the stream key contains a character that cannot be printed",
    ),
    ("PATCH", f"{TARGETS}/none", {"name": "x"}, 404, None, "there is no target 'none'"),
    ("DELETE", f"{TARGETS}/none", None, 404, None, "there is no target 'none'"),
    ("POST", f"{TARGETS}/none/start", None, 404, None, "there is no target 'none'"),
    ("POST", f"{TARGETS}/none/stop", None, 404, None, "there is no target 'none'"),
    ("POST", "{show}/end", None, 409, None, "the show is not on air on this server"),
    ("DELETE", "/api/v1/tokens/none", None, 404, None, "there is no token 'none'"),
    ("GET", "/api/v2/shows", None, 404, None, "there is nothing at this address"),
    ("PUT", SHOWS, {}, 405, None, "this address does not take PUT"),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "where", "detail"), BAD)
async def test_a_call_that_cannot_be_done_says_why_and_changes_nothing(
    method: str,
    path: str,
    body: Any,
    status: int,
    where: str | None,
    detail: str,
    owner: Client,
    invited: Invited,
) -> None:
    before = await owner.get(SHOWS)

    answer = await owner.call(method, path.replace("{show}", invited.path), body)

    found, said = answer.problem()
    assert (found, answer.json.get("path")) == (status, where)
    assert detail in said
    assert await owner.get(SHOWS) == before


@pytest.mark.parametrize(
    ("data", "content_type", "status", "detail"),
    [
        (b'{"title": "x"', "application/json", 400, "the body is not valid JSON: "),
        (b"\xff\xfe", "application/json", 400, "the body is not valid JSON: "),
        (b'{"title":"\xff"}', "application/json", 400, "the body is not valid JSON: "),
        (
            *(b'{"title":"x","canvases":{"a":{"\xff":1}}}', "application/json", 400),
            "the body is not valid JSON: ",
        ),
        (b"", "application/json", 400, "the body is not valid JSON: "),
        (b"[" * 60_000, "application/json", 422, "Expected `object`, got `array`"),
        (b'{"title": "x"}', "text/plain", 415, "send the body as Content-Type: application/json"),
        (
            *(b" " * (MAX_BODY_BYTES + 1), "application/json", 413),
            "the body is larger than the 65536 bytes allowed here",
        ),
    ],
)
async def test_a_body_that_is_no_json_is_refused(
    data: bytes, content_type: str, status: int, detail: str, owner: Client
) -> None:
    answer = await owner.call("POST", SHOWS, data=data, headers={"Content-Type": content_type})

    found, said = answer.problem()
    assert found == status
    assert said.startswith(detail)
    assert await owner.get(SHOWS) == {"shows": []}


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_not_compressed_as_it_says_is_refused(
    encoding: str, owner: Client, invited: Invited, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Content-Encoding": encoding}
    answer = await owner.call("POST", SHOWS, data=b'{"title": "x"}', headers=headers)
    assert answer.problem() == (400, "the body is not what its Content-Encoding says")

    answer = await owner.as_(invited.token).call(
        "POST",
        f"/whip/{invited.show}",
        data=b"v=0",
        headers=headers | {"Content-Type": "application/sdp"},
    )
    assert answer.problem() == (400, "the body is not what its Content-Encoding says")
    assert "Unhandled" not in caplog.text


async def test_a_body_over_the_limit_is_refused_without_its_length_too(owner: Client) -> None:
    async def chunks() -> Any:
        for _ in range(3):
            yield b" " * (MAX_BODY_BYTES // 2)

    async with owner.http.post(
        owner.base_url + SHOWS,
        data=chunks(),
        headers={"Authorization": f"Bearer {owner.token}", "Content-Type": "application/json"},
    ) as response:
        assert response.status == 413
        assert response.content_type == "application/problem+json"


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    call=st.sampled_from(
        [
            ("POST", SHOWS),
            ("PATCH", "{show}"),
            ("POST", FEEDS),
            ("PATCH", FEED),
            ("POST", TARGETS),
            ("PUT", LAYOUT),
            ("PUT", OVERLAYS),
            ("POST", PREVIEW),
        ]
    ),
    body=anything
    | st.dictionaries(
        st.sampled_from(
            ["title", "name", "canvases", "slots", "platform", "url", "admitted", "overlays"]
        ),
        anything,
    ),
)
async def test_no_json_at_all_makes_the_server_fail(
    call: tuple[str, str], body: Any, owner: Client, invited: Invited
) -> None:
    method, path = call

    answer = await owner.call(method, path.replace("{show}", invited.path), body or {})

    assert answer.status in (200, 201, 400, 422)
