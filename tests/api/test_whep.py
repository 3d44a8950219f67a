"""Previews over HTTP: who may watch what, and what is answered."""

import aiohttp
import pytest

from mediaserver.app import Server, running
from mediaserver.packet import ShowId
from mediaserver.settings import CapacitySettings, Settings
from mediaserver.webrtc.viewing import MOST_FOR_ONE_FEED
from tests.api.client import Answer, Client
from tests.api.conftest import Invited
from tests.control.hosting import hosted
from tests.control.until import until
from tests.webrtc.test_sdp import CHROMIUM, PLAYER

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
CANDIDATE = b"a=candidate:1 1 udp 2122260223 127.0.0.1 9 typ host\r\n"


def endpoint(invited: Invited, canvas: str = "landscape") -> str:
    return f"/whep/{invited.show}/{canvas}"


async def watch(client: Client, path: str, offer: str = PLAYER) -> Answer:
    return await client.call("POST", path, data=offer.encode(), headers=SDP)


async def program_of(owner: Client, invited: Invited) -> object:
    return (await owner.get(invited.path))["canvases"]["landscape"]["program"]


async def test_a_canvas_is_made_while_somebody_watches_it(
    server: Server, owner: Client, invited: Invited
) -> None:
    assert await program_of(owner, invited) is None

    answer = await watch(owner, endpoint(invited))

    assert answer.status == 201
    assert answer.headers["Content-Type"].startswith("application/sdp")
    assert answer.headers["Location"].startswith(endpoint(invited) + "/")
    assert answer.headers["Etag"].startswith('"')
    assert b"a=sendonly" in answer.body
    assert (await owner.get(invited.path))["status"] == "idle"
    assert await program_of(owner, invited) is not None
    ended = await owner.call("DELETE", answer.headers["Location"])
    assert ended.status == 200
    show = await server.node.show(ShowId(invited.show))
    await until(lambda: not show.program_stats())
    again = await owner.call("DELETE", answer.headers["Location"])
    assert again.status == 404


async def test_a_page_of_ours_watches_by_its_cookie(owner: Client, invited: Invited) -> None:
    signed_in = await owner.call("POST", "/api/v1/session")
    cookie = signed_in.headers["Set-Cookie"].partition(";")[0]
    headers = SDP | {"Cookie": cookie}
    page, offer = owner.as_(None), PLAYER.encode()

    ours = headers | {"Sec-Fetch-Site": "same-origin"}
    taken = await page.call("POST", endpoint(invited), data=offer, headers=ours)
    strange = headers | {"Sec-Fetch-Site": "cross-site"}
    refused = await page.call("POST", endpoint(invited), data=offer, headers=strange)

    assert (taken.status, refused.status) == (201, 403)


@pytest.mark.parametrize(
    ("path", "body", "headers", "problem"),
    [
        ("landscape", PLAYER, {}, (415, "send application/sdp")),
        ("landscape", "nonsense", SDP, (422, "not a line of SDP: 'nonsense'")),
        (
            "landscape",
            CHROMIUM,
            SDP,
            (422, "audio is not offered for receiving: use recvonly"),
        ),
        ("portrait", PLAYER, SDP, (404, "there is no canvas 'portrait'")),
        ("landscape?for=bob", PLAYER, SDP, (404, "there is no feed 'bob'")),
        (
            "landscape",
            "v" * 70_000,
            SDP,
            (413, "the body is larger than the 65536 bytes allowed here"),
        ),
    ],
)
async def test_what_cannot_be_watched_is_said(
    owner: Client,
    invited: Invited,
    path: str,
    body: str,
    headers: dict[str, str],
    problem: tuple[int, str],
) -> None:
    answer = await owner.call("POST", endpoint(invited, path), data=body.encode(), headers=headers)

    assert answer.problem() == problem
    assert await program_of(owner, invited) is None


async def test_a_host_listens_without_their_own_voice_and_to_no_other_mix(
    owner: Client, invited: Invited
) -> None:
    host = owner.as_(invited.token)
    other = await owner.post(f"{invited.path}/feeds", {"name": "Bob"}, 201)

    mine = await watch(host, endpoint(invited))
    named = await watch(host, endpoint(invited) + f"?for={invited.feed}")
    theirs = await watch(host, endpoint(invited) + f"?for={other['id']}")

    assert (mine.status, named.status) == (201, 201)
    assert theirs.problem() == (403, "a host's token is good for their own feed only")
    bob = owner.as_(other["token"])
    for method in ("PATCH", "DELETE"):
        strange = await bob.call(method, mine.headers["Location"])
        assert strange.status == 404
    for location in (mine.headers["Location"], named.headers["Location"]):
        assert (await host.call("DELETE", location)).status == 200


async def test_a_host_does_not_take_the_room_of_everybody(owner: Client, invited: Invited) -> None:
    host = owner.as_(invited.token)

    taken = [await watch(host, endpoint(invited)) for _ in range(MOST_FOR_ONE_FEED)]
    refused = await watch(host, endpoint(invited))
    await host.call("DELETE", taken[0].headers["Location"])
    again = await watch(host, endpoint(invited))
    crew = await watch(owner, endpoint(invited))

    assert {answer.status for answer in taken} == {201}
    assert refused.problem() == (
        503,
        "this server carries as many previews for one feed as it may; try again later",
    )
    assert (again.status, crew.status) == (201, 201)


async def test_candidates_are_taken_by_the_rules(owner: Client, invited: Invited) -> None:
    answer = await watch(owner, endpoint(invited))
    location, etag = answer.headers["Location"], answer.headers["Etag"]
    for more, status in (({}, 428), ({"If-Match": '"stale"'}, 412), ({"If-Match": etag}, 204)):
        patched = await owner.call("PATCH", location, data=CANDIDATE, headers=FRAGMENT | more)
        assert patched.status == status
    assert (await owner.call("GET", location)).status == 204
    assert (await owner.call("GET", location + "x")).status == 404


async def test_pages_from_anywhere_may_ask(owner: Client, invited: Invited) -> None:
    stranger = owner.as_(None)
    asked = await stranger.call("OPTIONS", endpoint(invited))
    of_session = await stranger.call("OPTIONS", endpoint(invited) + "/any")
    refused = await watch(stranger, endpoint(invited))

    assert asked.headers["Accept-Post"] == "application/sdp"
    assert {"PATCH", "DELETE"} <= set(of_session.headers["Allow"].split(", "))
    assert (await stranger.call("GET", endpoint(invited))).status == 204
    assert refused.status == 401
    for answer in (asked, of_session, refused):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_show_that_another_server_has_on_air_is_watched_there(
    server: Server, owner: Client, invited: Invited, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = "https://live2.shop.example"
    monkeypatch.setattr(server.node, "elsewhere", lambda show_id: there)
    path = endpoint(invited) + f"?for={invited.feed}"

    async with owner.http.post(
        owner.base_url + path,
        data=PLAYER,
        headers=SDP | {"Authorization": f"Bearer {owner.token}"},
        allow_redirects=False,
    ) as answer:
        assert answer.status == 307
        assert answer.headers["Location"] == there + path


async def test_more_previews_than_the_server_takes_are_refused_in_words(
    settings: Settings,
) -> None:
    few = Settings(
        http=settings.http,
        store=settings.store,
        encoder=settings.encoder,
        capacity=CapacitySettings(viewers=1),
    )
    async with hosted(running(few)) as server, aiohttp.ClientSession() as http:
        owner = Client(http, server.base_url, server.owner_token.reveal())
        show = await owner.post("/api/v1/shows", {"title": "Autumn"}, 201)
        first = await watch(owner, f"/whep/{show['id']}/landscape")
        second = await watch(owner, f"/whep/{show['id']}/landscape")
        await owner.call("DELETE", first.headers["Location"])
        third = await watch(owner, f"/whep/{show['id']}/landscape")

    assert second.problem() == (
        503,
        "this server carries as many previews as it may; try again later",
    )
    assert int(second.headers["Retry-After"]) > 0
    assert third.status == 201
