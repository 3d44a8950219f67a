"""Every row of what RFC 9725 asks of a server, over HTTP; no media flows here."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest

from mediaserver.api.signalling import ice_server_links
from mediaserver.clock import ManualClock
from mediaserver.settings import IceServer
from mediaserver.webrtc.sdp import MAX_CANDIDATES, parse_offer
from mediaserver.webrtc.transport import IceSettings
from sync.secret import Secret
from tests.webrtc.server import OTHER_TOKEN, PRODUCER_TOKEN, SHOW, TOKEN, WhipServer
from tests.webrtc.test_sdp import CHROMIUM

BEARER = {"Authorization": f"Bearer {TOKEN}"}
OFFER = BEARER | {"Content-Type": "application/sdp"}
FRAGMENT_TYPE = {"Content-Type": "application/trickle-ice-sdpfrag"}
FRAGMENT = (
    "a=ice-ufrag:4Ufa\r\na=ice-pwd:88hwxC5ICSu+WUCb42/rzVTd\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n"
    "a=candidate:1387637174 1 udp 2122260223 127.0.0.1 61764 typ host generation 0\r\n"
    "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n"
    "a=candidate:473322823 1 udp 1518280447 a1b2.local 9 typ host\r\n"
)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def server(clock: ManualClock) -> AsyncIterator[WhipServer]:
    server = WhipServer(IceSettings(), clock)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def http(server: WhipServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.origin) as session:
        yield session


async def published(http: aiohttp.ClientSession) -> aiohttp.ClientResponse:
    async with http.post(f"/whip/{SHOW}", data=CHROMIUM, headers=OFFER) as response:
        await response.read()
        assert response.status == 201
        return response


def udp_sink() -> socket.socket:
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.setblocking(False)
    sink.bind(("127.0.0.1", 0))
    return sink


async def test_offer_makes_a_session(server: WhipServer, http: aiohttp.ClientSession) -> None:
    response = await published(http)
    answer = await response.text()
    assert response.content_type == "application/sdp"
    assert answer.startswith("v=0\r\n")
    assert "a=recvonly\r\n" in answer
    assert " 127.0.0.1 " in answer
    location = response.headers["Location"]
    assert location.startswith(f"/whip/{SHOW}/")
    assert len(location.rpartition("/")[2]) == 32
    etag = response.headers["ETag"]
    assert etag.startswith('"')
    assert etag.endswith('"')
    assert len(server.sessions) == 1
    assert server.feed.source is not None


async def test_sessions_have_addresses_and_tags_of_their_own(http: aiohttp.ClientSession) -> None:
    first, second = await published(http), await published(http)
    assert first.headers["Location"] != second.headers["Location"]
    assert first.headers["ETag"] != second.headers["ETag"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Basic c2hvcDpjYXN0"}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Bearer {PRODUCER_TOKEN}"}, 403),
        ({"Authorization": f"bearer {TOKEN}"}, 201),
    ],
)
async def test_publishing_needs_the_token_of_an_invitation(
    http: aiohttp.ClientSession, headers: dict[str, str], status: int
) -> None:
    headers = headers | {"Content-Type": "application/sdp"}
    async with http.post(f"/whip/{SHOW}", data=CHROMIUM, headers=headers) as response:
        assert response.status == status
        if status == 401:
            assert response.headers["WWW-Authenticate"] == "Bearer"


async def test_unknown_show_is_not_found(http: aiohttp.ClientSession) -> None:
    async with http.post("/whip/other", data=CHROMIUM, headers=OFFER) as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", CHROMIUM, 415),
        ("text/plain", CHROMIUM, 415),
        ("application/sdp", "nonsense", 422),
        ("application/sdp", "", 422),
        ("application/sdp", b"\xff\xfe", 422),
        ("application/sdp", CHROMIUM.replace("sendonly", "recvonly"), 422),
        ("application/sdp", CHROMIUM + "a=x:" + "y" * 70_000, 413),
    ],
)
async def test_offer_that_cannot_be_used_changes_nothing_and_says_why(
    server: WhipServer,
    http: aiohttp.ClientSession,
    content_type: str,
    body: str | bytes,
    status: int,
) -> None:
    await published(http)
    source = server.feed.source
    headers = BEARER | {"Content-Type": content_type}
    async with http.post(f"/whip/{SHOW}", data=body, headers=headers) as response:
        assert response.status == status
        assert response.content_type == "application/problem+json"
        assert (await response.json())["detail"]
    assert server.feed.source is source
    assert len(server.sessions) == 1


async def test_same_invitation_takes_its_own_place(
    server: WhipServer, http: aiohttp.ClientSession
) -> None:
    first = await published(http)
    session = server.sessions.get(first.headers["Location"].rpartition("/")[2])
    assert session is not None
    second = await published(http)
    assert server.feed.source is server.sessions.get(second.headers["Location"].rpartition("/")[2])
    await session.close()  # waits for the end that is under way
    async with http.get(first.headers["Location"]) as response:
        assert response.status == 404
    assert len(server.sessions) == 1


async def test_full_node_says_when_to_ask_again(
    server: WhipServer, http: aiohttp.ClientSession
) -> None:
    await published(http)
    server.node.room = 1
    await published(http)  # takes its own place
    headers = OFFER | {"Authorization": f"Bearer {OTHER_TOKEN}"}
    async with http.post(f"/whip/{SHOW}", data=CHROMIUM, headers=headers) as response:
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0


async def test_trickled_candidates_are_taken_without_an_etag_in_return(
    http: aiohttp.ClientSession,
) -> None:
    response = await published(http)
    headers = BEARER | FRAGMENT_TYPE | {"If-Match": response.headers["ETag"]}
    location = response.headers["Location"]
    async with http.patch(location, data=FRAGMENT, headers=headers) as patched:
        assert patched.status == 204
        assert "ETag" not in patched.headers
        assert await patched.read() == b""


async def test_session_sends_checks_to_so_many_addresses_however_many_are_trickled(
    http: aiohttp.ClientSession,
) -> None:
    response = await published(http)
    headers = BEARER | FRAGMENT_TYPE | {"If-Match": response.headers["ETag"]}
    left = MAX_CANDIDATES - len(parse_offer(CHROMIUM).candidates)
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(udp_sink()) for _ in range(left + 10)]
        # The later ones are preferred, so they would be tried before the first.
        candidates = [
            f"a=candidate:{rank} 1 udp {rank} 127.0.0.1 {sink.getsockname()[1]} typ host\r\n"
            for rank, sink in enumerate(sinks)
        ]
        for batch in (candidates[:20], candidates[20:]):
            fragment = "".join(batch)
            url = response.headers["Location"]
            async with http.patch(url, data=fragment, headers=headers) as patched:
                assert patched.status == 204
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            await asyncio.gather(*(loop.sock_recv(sink, 2048) for sink in sinks[:left]))
        for sink in sinks[left:]:
            with pytest.raises(BlockingIOError):
                sink.recv(2048)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (FRAGMENT_TYPE, FRAGMENT, 428),
        (FRAGMENT_TYPE | {"If-Match": '"stale"'}, FRAGMENT, 412),
        (FRAGMENT_TYPE | {"If-Match": "W/{etag}"}, FRAGMENT, 412),
        (FRAGMENT_TYPE | {"If-Match": '"stale", {etag}'}, FRAGMENT, 204),
        (FRAGMENT_TYPE | {"If-Match": "*"}, FRAGMENT, 204),
        (FRAGMENT_TYPE | {"If-Match": "*"}, FRAGMENT.replace("4Ufa", "5Ufa"), 422),
        (FRAGMENT_TYPE | {"If-Match": "{etag}"}, FRAGMENT.replace("88hw", "99hw"), 422),
        (FRAGMENT_TYPE | {"If-Match": "{etag}"}, "a=candidate:nonsense", 422),
        (FRAGMENT_TYPE | {"If-Match": "{etag}"}, "", 422),
        ({"Content-Type": "application/sdp", "If-Match": "{etag}"}, FRAGMENT, 415),
        (FRAGMENT_TYPE | {"If-Match": "{etag}"}, FRAGMENT + "y" * 70_000, 413),
    ],
)
async def test_patch_is_answered_by_the_rules(
    http: aiohttp.ClientSession, headers: dict[str, str], body: str, status: int
) -> None:
    response = await published(http)
    etag = response.headers["ETag"]
    headers = BEARER | {name: value.replace("{etag}", etag) for name, value in headers.items()}
    async with http.patch(response.headers["Location"], data=body, headers=headers) as patched:
        assert patched.status == status


async def test_delete_ends_the_session_whatever_the_etag(
    server: WhipServer, http: aiohttp.ClientSession
) -> None:
    location = (await published(http)).headers["Location"]
    async with http.delete(location, headers=BEARER | {"If-Match": '"stale"'}) as response:
        assert response.status == 200
    assert len(server.sessions) == 0
    assert server.feed.source is None
    async with http.delete(location, headers=BEARER) as response:
        assert response.status == 404


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_session_listens_to_its_own_token_only(
    server: WhipServer, http: aiohttp.ClientSession, method: str
) -> None:
    location = (await published(http)).headers["Location"]
    for token, status in ((None, 401), ("wrong", 401), (OTHER_TOKEN, 404)):
        headers = FRAGMENT_TYPE | {"If-Match": "*"}
        if token:
            headers |= {"Authorization": f"Bearer {token}"}
        async with http.request(method, location, data=FRAGMENT, headers=headers) as response:
            assert response.status == status
    assert len(server.sessions) == 1


async def test_get_answers_without_content(http: aiohttp.ClientSession) -> None:
    location = (await published(http)).headers["Location"]
    for address in (f"/whip/{SHOW}", location):
        async with http.get(address) as response:
            assert response.status == 204
    async with http.get(f"/whip/{SHOW}/unknown") as response:
        assert response.status == 404


async def test_other_methods_are_not_allowed(http: aiohttp.ClientSession) -> None:
    async with http.put(f"/whip/{SHOW}", data="") as response:
        assert response.status == 405


async def test_preflight_needs_no_token_and_names_what_may_come(
    http: aiohttp.ClientSession,
) -> None:
    preflight = {
        "Origin": "https://elsewhere.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    async with http.options(f"/whip/{SHOW}", headers=preflight) as response:
        assert response.status == 200
        assert response.headers["Accept-Post"] == "application/sdp"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in response.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
        assert "Link" not in response.headers
    async with http.options(f"/whip/{SHOW}/any", headers=preflight) as response:
        assert response.status == 200
        assert {"PATCH", "DELETE"} <= set(
            response.headers["Access-Control-Allow-Methods"].split(", ")
        )
        assert "If-Match" in response.headers["Access-Control-Allow-Headers"]


async def test_pages_from_elsewhere_may_read_answers_and_refusals(
    http: aiohttp.ClientSession,
) -> None:
    async with http.post(f"/whip/{SHOW}", data="x") as refused:
        assert refused.status == 401
    for response in (await published(http), refused):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        exposed = response.headers["Access-Control-Expose-Headers"].split(", ")
        assert {"Location", "ETag", "Link"} <= set(exposed)


async def test_publishing_too_often_is_refused_until_time_has_passed(
    http: aiohttp.ClientSession, clock: ManualClock
) -> None:
    statuses = set()
    for _ in range(20):
        async with http.post(f"/whip/{SHOW}", data="x", headers=OFFER) as response:
            statuses.add(response.status)
    assert statuses == {422}
    async with http.post(f"/whip/{SHOW}", data="x", headers=OFFER) as response:
        assert response.status == 429
        wait_s = int(response.headers["Retry-After"])
    clock.advance(wait_s)
    await published(http)


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_asking_for_sessions_too_often_is_refused(
    http: aiohttp.ClientSession, method: str
) -> None:
    for _ in range(40):
        async with http.request(method, f"/whip/{SHOW}/guess", headers=BEARER) as response:
            assert response.status == 404
    async with http.request(method, f"/whip/{SHOW}/guess", headers=BEARER) as response:
        assert response.status == 429


async def test_session_is_found_behind_a_proxy_that_gives_us_a_folder(clock: ManualClock) -> None:
    server = WhipServer(IceSettings(), clock, base_url="https://shop.example/live")
    await server.start()
    try:
        async with aiohttp.ClientSession(server.origin) as http:
            location = (await published(http)).headers["Location"]
            assert location.startswith(f"/live/whip/{SHOW}/")
            async with http.get(location.removeprefix("/live")) as response:
                assert response.status == 204
    finally:
        await server.stop()


async def test_answer_names_the_ice_servers(clock: ManualClock) -> None:
    settings = IceSettings(servers=(IceServer(("stun:stun.example:3478",)),))
    server = WhipServer(settings, clock)
    await server.start()
    try:
        async with aiohttp.ClientSession(server.origin) as http:
            response = await published(http)
            assert response.headers.getall("Link") == ['<stun:stun.example:3478>; rel="ice-server"']
    finally:
        await server.stop()


def test_accounts_of_turn_servers_are_quoted() -> None:
    urls = ("turn:turn.example:3478?transport=udp", "turns:turn.example:5349")
    account = (
        'rel="ice-server"; username="shop\\"keeper"; credential="pass\\\\word"; '
        'credential-type="password"'
    )
    assert ice_server_links([IceServer(urls, 'shop"keeper', Secret("pass\\word"))]) == [
        f"<{url}>; {account}" for url in urls
    ]


async def test_node_without_a_free_udp_port_is_full(clock: ManualClock) -> None:
    server = WhipServer(IceSettings(udp_ports=(47111, 47111)), clock)
    await server.start()
    try:
        async with aiohttp.ClientSession(server.origin) as http:
            await published(http)
            headers = OFFER | {"Authorization": f"Bearer {OTHER_TOKEN}"}
            async with http.post(f"/whip/{SHOW}", data=CHROMIUM, headers=headers) as response:
                assert response.status == 503
            assert server.feed.source is not None
    finally:
        await server.stop()
