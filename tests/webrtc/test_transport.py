import asyncio
import re
import secrets
import socket
import struct
from typing import Any, cast

import ifaddr
import pytest
from aioice import stun

from mediaserver.settings import IceServer
from mediaserver.webrtc.session import WhipSession
from mediaserver.webrtc.transport import IceSettings, PeerTransport
from tests.webrtc.hosts import Hosts
from tests.webrtc.server import WhipServer


def machine_addresses() -> set[str]:
    return {
        ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips if isinstance(ip.ip, str)
    }


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("localhost", ["127.0.0.1"]),
        ("::1", ["::1"]),
        ("192.0.2.1", ["192.0.2.1"]),
        ("2001:db8::1", ["2001:db8::1"]),
    ],
)
def test_media_comes_in_where_http_does(host: str, addresses: list[str]) -> None:
    assert IceSettings(host).addresses() == addresses


@pytest.mark.parametrize(
    "settings", [IceSettings("0.0.0.0"), IceSettings("127.0.0.1", public_ip="203.0.113.7")]
)
def test_all_addresses_of_the_machine_are_taken_loopback_last(settings: IceSettings) -> None:
    addresses = settings.addresses()
    assert set(addresses) == machine_addresses()
    assert addresses[-1] == "127.0.0.1"


async def gathered(settings: IceSettings) -> list[tuple[str, str, int]]:
    """Kind, address and port of each candidate of a transport."""
    transport = PeerTransport(settings, on_rtp=lambda data: None, on_rtcp=lambda data: None)
    await transport.gather()
    found = [(c.kind, c.address, c.port) for c in transport.candidates]
    await transport.close()
    await transport.close()
    return found


async def test_public_address_comes_first_and_loopback_is_left_out() -> None:
    found = await gathered(IceSettings(public_ip="203.0.113.7", udp_ports=(47_300, 47_399)))
    assert all(47_300 <= port <= 47_399 for _, _, port in found)
    others = sorted(machine_addresses() - {"127.0.0.1"})
    assert [address for _, address, _ in found[::2]] == ["203.0.113.7"] * len(others)
    assert sorted(address for _, address, _ in found[1::2]) == others


class StunServer(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        request = stun.parse_message(data)
        answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = ("203.0.113.9", addr[1])
        self._transport.sendto(bytes(answer), addr)


async def test_stun_server_tells_the_address_outside() -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(StunServer, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    servers = (IceServer((f"stun:127.0.0.1:{port}",)),)
    found = await gathered(IceSettings("0.0.0.0", servers=servers))
    transport.close()
    inside = {port for kind, address, port in found if address != "127.0.0.1" and kind == "host"}
    outside = {(address, port) for kind, address, port in found if kind == "srflx"}
    assert outside == {("203.0.113.9", port) for port in inside}


async def test_garbage_from_strangers_does_no_harm(
    whip_server: WhipServer, hosts: Hosts, caplog: pytest.LogCaptureFixture
) -> None:
    feed = whip_server.feed
    await hosts.direct("VP8")
    await feed.until(lambda: len(feed.of("video")) >= 5)
    source = feed.source
    assert isinstance(source, WhipSession)
    [port] = {candidate.port for candidate in source.candidates}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for first in range(256):
            for size in (0, 1, 11, 40):
                stranger.sendto(bytes((first,)) + secrets.token_bytes(size), ("127.0.0.1", port))
        stranger.sendto(b"", ("127.0.0.1", port))
        cut_short = struct.pack("!HHI12sHHI", 1, 8, stun.COOKIE, bytes(12), 0x24, 2, 0)
        stranger.sendto(cut_short, ("127.0.0.1", port))
    seen = len(feed.of("video"))
    await feed.until(lambda: len(feed.of("video")) >= seen + 10)
    assert feed.source is source
    assert source.srtp_errors > 0
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_host_with_another_certificate_than_offered_is_not_let_in(
    whip_server: WhipServer, hosts: Hosts
) -> None:
    forged = "a=fingerprint:sha-256 " + ":".join(["00"] * 32)
    await hosts.direct("VP8", change=lambda s: re.sub(r"a=fingerprint:sha-256 \S+", forged, s))
    feed = whip_server.feed
    await feed.until(lambda: feed.source is None)
    assert feed.units == []
