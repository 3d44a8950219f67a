"""A host on another machine: a network namespace, with addresses, TLS and ports as in earnest."""

import asyncio
import os
import re
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mediaserver.clock import MonotonicClock
from mediaserver.webrtc.transport import IceSettings
from tests.webrtc.certificates import self_signed
from tests.webrtc.server import TOKEN, WhipServer
from tests.webrtc.test_clients import assert_consecutive

SERVER, HOST, PUBLIC = "198.18.77.1", "198.18.77.2", "203.0.113.77"
"""RFC 2544 and RFC 5737: nobody's addresses."""
PORTS = (47_200, 47_209)


def ip(command: str) -> None:
    subprocess.run(["ip", *command.split()], check=True, capture_output=True)


@pytest.fixture
def namespace() -> Iterator[str]:
    """A namespace joined to this one by a cable: the server's end here, the host's there."""
    name, cable = f"shopcast-{os.getpid()}", f"sc{os.getpid()}"
    ip(f"netns add {name}")
    try:
        ip(f"link add {cable} type veth peer name eth0 netns {name}")
        ip(f"address add {SERVER}/30 dev {cable}")
        ip(f"link set {cable} up")
        ip(f"-n {name} address add {HOST}/30 dev eth0")
        ip(f"-n {name} link set eth0 up")
        yield name
    finally:
        ip(f"netns delete {name}")  # the cable goes with it


@dataclass
class Site:
    """A server on the cable, and the certificate to trust."""

    server: WhipServer
    certificate: Path


@pytest.fixture
async def site(namespace: str, tmp_path: Path) -> AsyncIterator[Site]:
    certificate, key = self_signed(tmp_path, SERVER)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    settings = IceSettings(host=SERVER, public_ip=PUBLIC, udp_ports=PORTS)
    server = WhipServer(settings, MonotonicClock())
    await server.start(SERVER, tls)
    yield Site(server, certificate)
    await server.stop()


async def test_host_at_another_address_publishes_over_tls(namespace: str, site: Site) -> None:
    feed = site.server.feed
    host = await asyncio.create_subprocess_exec(
        *("ip", "netns", "exec", namespace, sys.executable, "-m", "tests.webrtc.publisher"),
        *(site.server.url, TOKEN, "H264", str(site.certificate)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await feed.until(lambda: len(feed.of("video")) >= 45 and bool(feed.of("audio")))
        assert host.stdout is not None
        candidates = re.findall(
            r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host\r\n",
            (await host.stdout.read(8192)).decode(),
        )
    finally:
        host.terminate()
        await host.wait()
    assert [address for address, _ in candidates] == [PUBLIC, SERVER]
    assert all(PORTS[0] <= int(port) <= PORTS[1] for _, port in candidates)
    assert_consecutive(feed.of("video"), 45)
