from http.cookies import SimpleCookie
from pathlib import Path

import aiohttp
import pytest

from mediaserver.app import running
from mediaserver.settings import HttpSettings, Settings
from tests.api.client import Answer, Client
from tests.api.conftest import Invited
from tests.control.hosting import hosted
from tests.peers.certificates import Authority

SESSION = "/api/v1/session"
SHOWS = "/api/v1/shows"


def cookie_of(answer: Answer) -> tuple[str, SimpleCookie]:
    """The cookie as a browser sends it back, and with all its attributes."""
    jar = SimpleCookie(answer.headers["Set-Cookie"])
    ((name, morsel),) = jar.items()
    return f"{name}={morsel.value}", jar


async def signed_in(client: Client) -> str:
    return cookie_of(await client.call("POST", SESSION))[0]


async def test_a_token_is_exchanged_for_a_cookie_that_scripts_do_not_see(owner: Client) -> None:
    answer = await owner.call("POST", SESSION)
    cookie, jar = cookie_of(answer)
    (morsel,) = jar.values()

    assert answer.json == {"role": "owner", "show": None, "feed": None}
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Strict", "/")
    assert morsel["secure"] == ""
    assert str(owner.token) not in cookie
    browser = owner.as_(None)
    assert (await browser.call("GET", SHOWS, headers={"Cookie": cookie})).status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_a_cookie_changes_things_from_our_own_pages_only(
    headers: dict[str, str], status: int, owner: Client
) -> None:
    browser, cookie = owner.as_(None), await signed_in(owner)

    answer = await browser.call("POST", SHOWS, {"title": "x"}, headers=headers | {"Cookie": cookie})

    assert answer.status == status
    assert len((await owner.get(SHOWS))["shows"]) == (status == 201)


async def test_an_old_browser_is_known_by_its_origin(owner: Client) -> None:
    headers = {"Cookie": await signed_in(owner), "Origin": owner.base_url}

    answer = await owner.as_(None).call("POST", SHOWS, {"title": "x"}, headers=headers)

    assert answer.status == 201


async def test_a_bad_token_is_not_helped_by_a_good_cookie(owner: Client) -> None:
    cookie = await signed_in(owner)

    answer = await owner.as_("nonsense").call("GET", SHOWS, headers={"Cookie": cookie})

    assert answer.status == 401


async def test_a_hosts_cookie_goes_to_their_feed_only(owner: Client, invited: Invited) -> None:
    answer = await owner.as_(invited.token).call("POST", SESSION)
    cookie, jar = cookie_of(answer)
    browser = owner.as_(None)

    assert jar["shopcast_host"]["path"] == invited.feed_path
    assert answer.json == {"role": "host", "show": invited.show, "feed": "ann"}
    assert (await browser.call("GET", SHOWS, headers={"Cookie": cookie})).status == 403
    thumbnail = await browser.call(
        "GET", f"{invited.feed_path}/thumbnail.jpg", headers={"Cookie": cookie}
    )
    assert thumbnail.status == 404


async def test_a_session_ends_with_its_token(owner: Client) -> None:
    minted = await owner.post("/api/v1/tokens", {"name": "Pia"}, 201)
    producer, browser = owner.as_(minted["token"]), owner.as_(None)
    cookie = await signed_in(producer)
    assert (await browser.call("GET", SHOWS, headers={"Cookie": cookie})).status == 200

    assert (await owner.call("DELETE", f"/api/v1/tokens/{minted['id']}")).status == 204

    assert (await browser.call("GET", SHOWS, headers={"Cookie": cookie})).status == 401
    assert (await producer.call("GET", SHOWS)).status == 401


async def test_a_forged_cookie_is_no_session(owner: Client) -> None:
    answer = await owner.as_(None).call(
        "GET", SHOWS, headers={"Cookie": "shopcast_session=gAAAAABnonsense"}
    )

    assert answer.problem() == (401, "the session has ended: sign in again")


async def test_signing_out_takes_the_cookie_away(owner: Client) -> None:
    headers = {"Cookie": await signed_in(owner), "Sec-Fetch-Site": "same-origin"}

    answer = await owner.as_(None).call("DELETE", SESSION, headers=headers)

    _, jar = cookie_of(answer)
    assert answer.status == 204
    assert jar["shopcast_session"]["max-age"] == "0"


async def test_a_cookie_does_not_sign_in_anew(owner: Client) -> None:
    headers = {"Cookie": await signed_in(owner), "Sec-Fetch-Site": "same-origin"}

    assert (await owner.as_(None).call("POST", SESSION, headers=headers)).status == 401


async def test_the_owner_sees_whose_tokens_there_are_but_not_the_tokens(owner: Client) -> None:
    minted = await owner.post("/api/v1/tokens", {"name": "Pia"}, 201)

    (token,) = (await owner.get("/api/v1/tokens"))["tokens"]

    assert minted["token"].startswith("scp_")
    assert (token["id"], token["name"], token["role"]) == (minted["id"], "Pia", "producer")
    assert minted["token"] not in str(token)


class TestHttps:
    @pytest.fixture
    def authority(self, tmp_path: Path) -> Authority:
        return Authority(tmp_path)

    @pytest.fixture
    def secure(self, settings: Settings, authority: Authority, tmp_path: Path) -> Settings:
        authority.serving("localhost")
        (pem,) = tmp_path.glob("localhost*.pem")
        http = HttpSettings(host="localhost", port=0, tls_cert=pem, tls_key=pem)
        return Settings(http=http, rtmp=settings.rtmp, store=settings.store)

    async def test_https_is_served_and_its_cookie_is_secure(
        self, secure: Settings, authority: Authority
    ) -> None:
        connector = aiohttp.TCPConnector(ssl=authority.trusting())
        async with (
            hosted(running(secure)) as server,
            aiohttp.ClientSession(connector=connector) as http,
        ):
            client = Client(http, server.base_url, server.owner_token.reveal())
            _, jar = cookie_of(await client.call("POST", SESSION))

        assert server.base_url.startswith("https://localhost:")
        assert jar["shopcast_session"]["secure"] is True


async def test_a_token_survives_a_restart_of_the_server(settings: Settings) -> None:
    async with hosted(running(settings)) as server, aiohttp.ClientSession() as http:
        owner = Client(http, server.base_url, server.owner_token.reveal())
        token = (await owner.post("/api/v1/tokens", {"name": "Pia"}, 201))["token"]
        cookie = await signed_in(owner.as_(token))

    async with hosted(running(settings)) as again, aiohttp.ClientSession() as http:
        assert again.owner_token == server.owner_token
        browser = Client(http, again.base_url, None)
        assert (await browser.call("GET", SHOWS, headers={"Cookie": cookie})).status == 200
