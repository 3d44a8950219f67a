"""A bad network: a UDP relay with a rate, a queue, losses, delay and jitter, all repeatable."""

import asyncio
import random
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

Address = tuple[str, int]
RTP_HEADER_BYTES = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One direction of a network.

    What does not fit into `queue_s` seconds of the rate is dropped, and `loss` (0 … 1) of the
    rest, at random. Each datagram takes `delay_s` and up to `jitter_s` more, drawn evenly: in
    order as on a radio link, where one that waits holds up the others, or overtaking each other.
    """

    rate_bps: float = float("inf")
    queue_s: float = 0.2
    loss: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    in_order: bool = True


CLEAR = Line()


@dataclass(frozen=True, slots=True)
class Datagram:
    """What the client sent: when, how much, and as much of it as is not encrypted in RTP."""

    at: float
    size: int
    head: bytes

    @property
    def is_media(self) -> bool:
        """RTP or RTCP (RFC 7983 §7)."""
        return self.size > 0 and 127 < self.head[0] < 192


class UdpRelay(asyncio.DatagramProtocol):
    """Passes datagrams from one client `up` to a server, and answers `down` again.

    Either line may be changed at any time. `loses` picks what is dropped on the way up besides.
    """

    def __init__(
        self,
        server: Address,
        *,
        up: Line = CLEAR,
        down: Line = CLEAR,
        loses: Callable[[bytes], bool] = lambda datagram: False,
        seed: int = 1,
    ) -> None:
        self.received: deque[Datagram] = deque()
        """All that the client sent, before the network takes its toll."""
        self.dropped = 0
        """Datagrams lost on the way up."""
        self.media_since_s: float | None = None
        """When the client's first RTP or RTCP came."""
        self._server = server
        self._loses = loses
        self._up = _Way(up, random.Random(seed), self._to_server)
        self._down = _Way(down, random.Random(seed + 1), self._to_client)
        self._client: Address | None = None
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._inside: asyncio.DatagramTransport | None = None
        self._outside: asyncio.DatagramTransport | None = None

    def change(self, *, up: Line, down: Line) -> None:
        """What the network is like from now on."""
        self._up.line, self._down.line = up, down

    async def start(self) -> int:
        """Listen on loopback; gives back the port."""
        self._outside, _ = await self._loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._inside, _ = await self._loop.create_datagram_endpoint(
            lambda: _Answers(self._down.take), remote_addr=self._server
        )
        port: int = self._outside.get_extra_info("sockname")[1]
        return port

    async def close(self) -> None:
        for transport in (self._inside, self._outside):
            if transport is not None:
                transport.close()

    async def until(self, done: Callable[[], bool], timeout_s: float = 30) -> None:
        """Wait until `done` holds; looked at whenever a datagram comes."""
        async with asyncio.timeout(timeout_s):
            while not done():
                self._changed.clear()
                await self._changed.wait()

    def rate_bps(self, since: float, until: float) -> float:
        """What the client sent between two times of the loop's clock."""
        return 8 * sum(d.size for d in self.received if since <= d.at < until) / (until - since)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._client = addr
        self._changed.set()
        datagram = Datagram(self._loop.time(), len(data), data[:RTP_HEADER_BYTES])
        self.received.append(datagram)
        if self.media_since_s is None and datagram.is_media:
            self.media_since_s = datagram.at
        if self._loses(data) or not self._up.take(data):
            self.dropped += 1

    def _to_server(self, data: bytes) -> None:
        if self._inside is not None and not self._inside.is_closing():
            self._inside.sendto(data)

    def _to_client(self, data: bytes) -> None:
        client, outside = self._client, self._outside
        if client is not None and outside is not None and not outside.is_closing():
            outside.sendto(data, client)


class _Way:
    """A line at work."""

    def __init__(self, line: Line, chance: random.Random, pass_on: Callable[[bytes], None]) -> None:
        self.line = line
        self._chance = chance
        self._pass_on = pass_on
        self._loop = asyncio.get_running_loop()
        self._free_s = 0.0
        self._last_s = 0.0

    def take(self, data: bytes) -> bool:
        """Send `data` on its way; False when it is lost."""
        line, now = self.line, self._loop.time()
        self._free_s = max(self._free_s, now)
        if self._free_s - now > line.queue_s or self._chance.random() < line.loss:
            return False
        self._free_s += 8 * len(data) / line.rate_bps
        there_s = self._free_s + line.delay_s + line.jitter_s * self._chance.random()
        if line.in_order:
            # Timers of one moment run in any order.
            there_s = max(there_s, self._last_s + 1e-6)
        if there_s <= now:
            self._pass_on(data)
        else:
            self._loop.call_at(there_s, self._pass_on, data)
        self._last_s = there_s
        return True


class _Answers(asyncio.DatagramProtocol):
    def __init__(self, pass_on: Callable[[bytes], object]) -> None:
        self._pass_on = pass_on

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._pass_on(data)


def without_candidates(offer: str) -> str:
    """The offer of a client whom the server can only answer."""
    return re.sub(r"a=candidate:.*\r\n", "", offer)


def server_address(answer: str) -> Address:
    """Where the server that answered waits on loopback."""
    found = re.search(r"udp \d+ (127\.0\.0\.1) (\d+) typ host", answer)
    assert found is not None
    return found[1], int(found[2])


def rerouted(answer: str, port: int) -> str:
    """The answer with `port` for the server's."""
    return re.sub(r"(127\.0\.0\.1) \d+ typ host", rf"\g<1> {port} typ host", answer)
