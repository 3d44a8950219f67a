import asyncio
import gzip
import struct
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohappyeyeballs import AddrInfoType
from aiohttp import web

from sync.images.address import may_ask
from sync.images.fetcher import (
    MOST_REDIRECTS,
    Fetcher,
    ImageRefused,
    ImageUnreachable,
    Limits,
)
from tests.files import image_file
from tests.peers.certificates import Authority
from tests.sync.images.web import Names, Web, serving, to_loopback

STRICT = partial(may_ask, allow_private=False)
ANY = partial(may_ask, allow_private=True)

JPEG = image_file("JPEG", (640, 480))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
SHORT = Limits(time_s=0.3, connect_s=0.3)


def png_of(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has so many pixels (PNG, third edition, §11.2.1)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def only_first(address: str) -> bool:
    """The test's own site stands for the public; every other address for a private one."""
    return address == "127.0.0.1"


def fetcher(*names: str, limits: Limits | None = None) -> Fetcher:
    return Fetcher(to_loopback(*names), only_first, limits or Limits())


async def refusal(url: str, fetcher: Fetcher) -> str:
    with pytest.raises(ImageRefused) as refused:
        await fetcher.fetch(url)
    assert not isinstance(refused.value, ImageUnreachable)
    return refused.value.reason


async def trouble(url: str, fetcher: Fetcher) -> str:
    with pytest.raises(ImageUnreachable) as unreachable:
        await fetcher.fetch(url)
    return unreachable.value.reason


@pytest.mark.parametrize(
    ("kind", "said", "content_type"),
    [
        ("JPEG", "image/jpeg", "image/jpeg"),
        ("PNG", "image/png", "image/png"),
        ("WEBP", "application/octet-stream", "image/webp"),
        ("PNG", "image/jpeg; charset=binary", "image/png"),
    ],
)
async def test_a_picture_is_what_it_is_whatever_it_is_called(
    kind: str, said: str, content_type: str, site: Web
) -> None:
    data = image_file(kind, (640, 480))
    site.gives("/a", data, said)

    fetched = await fetcher().fetch(site.url("/a"))

    assert fetched.data == data
    assert fetched.picture == (content_type, 640, 480)


async def test_an_address_that_is_not_ascii_is_asked_as_browsers_ask_it(site: Web) -> None:
    site.gives("/tasse größe.jpg", JPEG, "image/jpeg")

    await fetcher("xn--bcher-kva.example").fetch(
        f"http://bücher.example:{site.port}/tasse%20größe.jpg?sig=%2Fa%7e"
    )

    assert site.asked == ["bücher.example/tasse größe.jpg"]


async def test_redirects_are_followed_so_many_times(site: Web) -> None:
    for number in range(MOST_REDIRECTS):
        site.leads(f"/{number}", f"/{number + 1}", 307)
    site.gives(f"/{MOST_REDIRECTS}", JPEG, "image/jpeg")
    site.leads("/more", "/0")
    site.leads("/round", site.url("/round"))
    site.gives("/nowhere", b"", status=302)

    assert (await fetcher().fetch(site.url("/0"))).data == JPEG
    for path in ("/more", "/round", "/nowhere"):
        assert await refusal(site.url(path), fetcher()) == (
            "leads on to another address more than 5 times"
        )


PRIVATE = [
    *("127.0.0.1", "10.0.0.1", "192.168.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"),
    *("[::1]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[::]", "[fe80::1]", "[fd00::1]"),
    "[64:ff9b::7f00:1]",
]


@pytest.mark.parametrize("host", PRIVATE)
async def test_a_private_address_is_not_asked(host: str, site: Web) -> None:
    reason = await refusal(site.url("/a", host), Fetcher(Names({}), STRICT))

    assert "is inside a private network" in reason
    assert site.asked == []


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.0.0.1", "127.1", "localhost"])
async def test_other_notations_of_a_private_address_do_not_help(host: str, site: Web) -> None:
    names = Names({"localhost": [["127.0.0.1"]]})

    await refusal(site.url("/a", host), Fetcher(names, STRICT))

    assert site.asked == []


async def test_a_host_with_one_private_address_among_others_is_not_asked(site: Web) -> None:
    names = Names({"cdn.example": [["8.8.8.8", "127.0.0.1"]]})

    assert "is inside a private network" in await refusal(site.url("/a"), Fetcher(names, STRICT))
    assert site.asked == []


async def test_private_addresses_are_asked_where_the_settings_allow_it(site: Web) -> None:
    site.gives("/a", JPEG, "image/jpeg")

    fetched = await Fetcher(Names({}), ANY).fetch(site.url("/a", "127.0.0.1"))

    assert fetched.data == JPEG


async def test_a_name_is_looked_up_once_and_the_connection_goes_there(site: Web) -> None:
    site.gives("/a", JPEG, "image/jpeg")
    names = Names({"cdn.example": [["127.0.0.1"], ["127.0.0.2"]]})

    await Fetcher(names, only_first).fetch(site.url("/a"))

    assert names.looked_up == ["cdn.example"]
    assert site.asked == ["cdn.example/a"]


async def test_a_name_that_turns_private_between_redirects_is_not_asked_again(site: Web) -> None:
    names = Names({"cdn.example": [["127.0.0.1"], ["127.0.0.2"]]})
    site.leads("/a", "/b")
    site.gives("/b", JPEG, "image/jpeg")

    reason = await refusal(site.url("/a"), Fetcher(names, only_first))

    assert "is inside a private network" in reason
    assert site.asked == ["cdn.example/a"]


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.2/",
        "//127.0.0.2/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706434/",
        "http://inside.example/",
        "file:///etc/passwd",
        "gopher://cdn.example/",
        "http://user:secret@cdn.example/",
        "http://cdn.example\\@127.0.0.2/",
    ],
)
async def test_a_redirect_leads_to_no_address_that_would_be_refused_itself(
    to: str, site: Web
) -> None:
    names = Names({"cdn.example": [["127.0.0.1"]], "inside.example": [["127.0.0.2"]]})
    site.leads("/a", to)

    await refusal(site.url("/a"), Fetcher(names, only_first))

    assert site.asked == ["cdn.example/a"]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://user:secret@cdn.example/", "the address must be without a user name and password"),
        ("ftp://cdn.example/", "the address must begin with https:// or http://"),
        ("", "the address must begin with https:// or http://"),
    ],
)
async def test_what_is_no_address_is_refused_without_its_secrets(url: str, reason: str) -> None:
    assert await refusal(url, fetcher()) == reason


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"<html>", {"content_type": "text/html"}, "is no picture: the server calls it text/html"),
        (SVG, {"content_type": "image/svg+xml"}, "is an SVG drawing"),
        (SVG, {"content_type": "image/png"}, "is no JPEG, PNG or WebP picture"),
        (b"", {"content_type": "image/png"}, "is no JPEG, PNG or WebP picture"),
        (image_file("GIF"), {"content_type": "image/gif"}, "is no JPEG, PNG or WebP picture"),
        (JPEG[:-200], {"content_type": "image/jpeg"}, "is damaged or cut off"),
        (
            image_file("PNG", (64, 64))[:-40],
            {"content_type": "image/png"},
            "is damaged or cut off",
        ),
        (
            gzip.compress(JPEG),
            {"content_type": "image/jpeg", "Content_Encoding": "gzip"},
            "the server sends it compressed",
        ),
    ],
    ids=["html", "svg", "svg as png", "empty", "gif", "cut jpeg", "cut png", "compressed"],
)
async def test_what_is_no_sound_picture_is_refused(
    body: bytes, headers: dict[str, Any], reason: str, site: Web
) -> None:
    site.gives("/a", body, **headers)

    assert (await refusal(site.url("/a"), fetcher())).startswith(reason)


async def test_a_picture_that_is_small_as_a_file_and_huge_in_pixels_is_not_decoded(
    site: Web,
) -> None:
    site.gives("/a", png_of(6000, 5000), "image/png")
    site.gives("/b", png_of(65_000, 65_000), "image/png")

    assert await refusal(site.url("/a"), fetcher()) == (
        "has 6000 × 5000 pixels; 25 million are the most"
    )
    assert await refusal(site.url("/b"), fetcher()) == (
        "has too many pixels; 25 million are the most"
    )


@pytest.mark.parametrize("status", [404, 403, 206])
@pytest.mark.parametrize("body", [b"", JPEG])
async def test_an_answer_that_is_not_200_is_final(status: int, body: bytes, site: Web) -> None:
    site.gives("/a", body, "image/jpeg", status)

    assert await refusal(site.url("/a"), fetcher()) == f"the server answers {status}"


@pytest.mark.parametrize("status", [500, 503, 429, 408])
async def test_an_answer_that_asks_for_patience_is_not_final(status: int, site: Web) -> None:
    site.gives("/a", b"", status=status)

    assert await trouble(site.url("/a"), fetcher()) == f"the server answers {status}"


async def test_an_announced_size_that_is_too_large_is_not_waited_for(site: Web) -> None:
    async def announce(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1001"})
        await response.prepare(request)
        await site.ended.wait()
        return response

    site.answers["/a"] = announce

    assert await refusal(site.url("/a"), fetcher(limits=Limits(size_bytes=1000))) == (
        "has more than 0.001 MB"
    )


async def test_an_endless_body_is_given_up(site: Web) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/jpeg"})
        await response.prepare(request)
        while not site.ended.is_set():
            await response.write(bytes(1000))
        return response

    site.answers["/a"] = endless

    assert await refusal(site.url("/a"), fetcher(limits=Limits(size_bytes=100_000))) == (
        "has more than 0.1 MB"
    )


@pytest.mark.parametrize("is_begun", [False, True])
async def test_a_server_that_keeps_us_waiting_is_given_up(is_begun: bool, site: Web) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/jpeg"})
        if is_begun:
            await response.prepare(request)
            await response.write(JPEG[:100])
        await site.ended.wait()
        return response

    site.answers["/a"] = slow

    assert await trouble(site.url("/a"), fetcher(limits=SHORT)) == "did not come within 0.3 s"


async def test_a_resolver_that_keeps_us_waiting_is_given_up() -> None:
    async def never(_host: str, _port: int) -> list[AddrInfoType]:
        await asyncio.Event().wait()
        return []

    slow = Fetcher(never, only_first, Limits(time_s=5, connect_s=0.1))

    assert await trouble("http://cdn.example/", slow) == "the host cdn.example cannot be found"


async def test_a_body_that_breaks_off_is_no_picture_yet(site: Web) -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(JPEG))})
        await response.prepare(request)
        await response.write(JPEG[:100])
        assert request.transport is not None
        request.transport.close()
        return response

    site.answers["/a"] = broken

    assert await trouble(site.url("/a"), fetcher()) == "the answer of cdn.example broke off"


async def test_a_host_that_nobody_knows_or_that_does_not_listen_may_come_back() -> None:
    unknown = Fetcher(Names({"cdn.example": [["not an address"]]}), only_first)

    assert await trouble("http://cdn.example/", unknown) == "the host cdn.example cannot be found"
    assert await trouble("http://cdn.example:1/", fetcher()) == (
        "the host cdn.example does not answer"
    )


@pytest.mark.parametrize(("named", "is_good"), [("cdn.example", True), ("other.example", False)])
async def test_a_certificate_must_be_that_of_the_name_wherever_it_leads(
    named: str, is_good: bool, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    trusting = Fetcher(to_loopback(), only_first, tls=authority.trusting())
    async with serving(authority.serving(named)) as site:
        site.gives("/a", JPEG, "image/jpeg")
        url = f"https://cdn.example:{site.port}/a"

        if is_good:
            assert (await trusting.fetch(url)).data == JPEG
        else:
            assert await trouble(url, trusting) == "the certificate of cdn.example does not fit"
        assert await trouble(url, fetcher()) == "the certificate of cdn.example does not fit"


async def test_what_speaks_no_http_is_trouble_of_the_host() -> None:
    async def talk(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n" * 10)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        reason = await trouble(f"http://cdn.example:{port}/", fetcher())

    assert reason == "the answer of cdn.example broke off"
