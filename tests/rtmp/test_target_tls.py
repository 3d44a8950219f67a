"""RTMPS: certificates are checked, and what is wrong is said."""

import asyncio
import ssl

import pytest

from mediaserver.rtmp.publisher import Timeouts
from tests.peers.certificates import Authority
from tests.peers.rtmp_record import RtmpRecord
from tests.peers.rtmp_silent import rtmp_silent
from tests.rtmp.conftest import Channel, MakeTarget


async def test_good_certificate_goes_live_and_loses_nothing(
    authority: Authority, channel: Channel, start: MakeTarget
) -> None:
    async with RtmpRecord(authority.serving("localhost")) as server:
        watched = start(server.url_of("localhost"), tls=authority.trusting())
        await watched.until("live")
        recording = await server.recording()
        packets = channel.play_all()
        await watched.target.stop()
        await recording.until_ended()
    assert recording.is_clean
    media = [m.payload for m in recording.media if m.kind != "data"]
    assert media[2:] == [packet.payload for packet in packets]


@pytest.mark.parametrize(
    ("name", "days", "reason"),
    [
        ("live.example.com", 1, "the server's certificate is not valid for localhost"),
        ("localhost", -1, "the server's certificate has expired"),
    ],
)
async def test_certificate_that_does_not_fit_is_retried(
    authority: Authority, start: MakeTarget, name: str, days: int, reason: str
) -> None:
    async with RtmpRecord(authority.serving(name, days=days)) as server:
        watched = start(server.url_of("localhost"), tls=authority.trusting())
        assert (await watched.until("retrying")).reason == reason
    assert server.recordings == []


async def test_certificate_of_an_unknown_authority_is_retried(
    authority: Authority, start: MakeTarget
) -> None:
    # No context is given: the system's authorities are asked.
    async with RtmpRecord(authority.serving("localhost")) as server:
        watched = start(server.url_of("localhost"))
        assert (await watched.until("retrying")).reason == (
            "the server's certificate is signed by somebody this computer does not trust"
        )
    assert server.recordings == []


async def test_server_without_tls_is_said_to_be_one(
    authority: Authority, start: MakeTarget
) -> None:
    server = await asyncio.start_server(speak_in_the_clear, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        watched = start(f"rtmps://localhost:{port}/live", tls=authority.trusting())
        assert (await watched.until("retrying")).reason == (
            f"the server does not speak TLS on port {port}; is it rtmp:// that is meant?"
        )


async def speak_in_the_clear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com ESMTP\r\n")
    await reader.read()
    writer.close()


async def test_server_that_breaks_off_the_tls_handshake_is_retried(
    rtmp_record: RtmpRecord, authority: Authority, start: MakeTarget
) -> None:
    # It speaks RTMP only, and hangs up on anything else.
    watched = start(
        rtmp_record.url_of("localhost").replace("rtmp:", "rtmps:"), tls=authority.trusting()
    )
    assert (await watched.until("retrying")).reason == "the server broke off the connection"


async def test_server_that_is_silent_in_the_tls_handshake_is_retried(
    authority: Authority, start: MakeTarget
) -> None:
    async with rtmp_silent() as url:
        timeouts = Timeouts(connect_s=0.2)
        watched = start(url.replace("rtmp:", "rtmps:"), tls=authority.trusting(), timeouts=timeouts)
        assert (await watched.until("retrying")).reason == (
            "the server did not answer within 0.2 s"
        )


async def test_name_is_sent_so_that_a_server_of_many_can_choose(
    authority: Authority, channel: Channel, start: MakeTarget
) -> None:
    names: list[str | None] = []

    def note(_socket: object, name: str | None, _context: ssl.SSLContext) -> None:
        names.append(name)

    serving = authority.serving("localhost")
    serving.sni_callback = note
    async with RtmpRecord(serving) as server:
        await start(server.url_of("localhost"), tls=authority.trusting()).until("live")
    assert names == ["localhost"]
