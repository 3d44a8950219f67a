"""Tokens that nobody here has given out."""

import asyncio

import pytest

from mediaserver.secret import new_token
from tests.api.client import Client
from tests.api.conftest import Invited

SESSION = "/api/v1/session"


async def raw_status(owner: Client, head: bytes) -> int:
    """The status that is answered to the bytes of a request's head."""
    host, _, port = owner.base_url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head + b"\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


@pytest.mark.parametrize("token", [b"\xff\xfe", b"sco_\xc3", "nö".encode()])
@pytest.mark.parametrize(
    "head",
    [
        b"GET /api/v1/shows HTTP/1.1\r\nAuthorization: Bearer ",
        b"POST /api/v1/session HTTP/1.1\r\nAuthorization: Bearer ",
        b"GET /api/v1/shows HTTP/1.1\r\nCookie: shopcast_session=",
    ],
)
async def test_bytes_that_are_no_text_are_an_unknown_token(
    head: bytes, token: bytes, owner: Client
) -> None:
    assert await raw_status(owner, head + token) == 401


async def test_an_odd_origin_is_not_ours(owner: Client) -> None:
    cookie = (await owner.call("POST", SESSION)).headers["Set-Cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "Origin": "http://["}

    answer = await owner.as_(None).call("POST", "/api/v1/shows", {"title": "x"}, headers=headers)

    assert answer.status == 403


@pytest.mark.parametrize(("method", "path"), [("POST", SESSION), ("GET", "/api/v1/shows")])
async def test_who_guesses_tokens_is_made_to_wait_and_nobody_else_is(
    method: str, path: str, owner: Client, producer: Client, invited: Invited
) -> None:
    async with asyncio.timeout(60):
        while True:
            answer = await owner.as_(new_token("producer").reveal()).call(method, path)
            if answer.status != 401:
                break

    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) >= 1
    for known in (owner, producer, owner.as_(invited.token)):
        assert (await known.call("POST", SESSION)).status == 200
