"""A narrow network: a UDP relay with a rate, a queue that overflows, and losses if wanted."""

import asyncio
from collections import deque
from collections.abc import Callable

Address = tuple[str, int]


class UdpRelay(asyncio.DatagramProtocol):
    """Passes datagrams from one client to a server at `rate_bps`, and answers back unhindered.

    What does not fit into `queue_s` seconds of the rate is dropped, as is what `loses` picks.
    """

    def __init__(
        self,
        server: Address,
        *,
        rate_bps: float = float("inf"),
        queue_s: float = 0.2,
        loses: Callable[[bytes], bool] = lambda datagram: False,
    ) -> None:
        self.received: deque[tuple[float, int]] = deque()
        """Time and size of each datagram of the client, before the rate takes its toll."""
        self.dropped = 0
        self.media_since_s: float | None = None
        """When the client's first RTP or RTCP came."""
        self._server = server
        self._rate_bps = rate_bps
        self._queue_s = queue_s
        self._loses = loses
        self._free_s = 0.0
        self._client: Address | None = None
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._inside: asyncio.DatagramTransport | None = None
        self._outside: asyncio.DatagramTransport | None = None

    async def start(self) -> int:
        """Listen on loopback; gives back the port."""
        self._outside, _ = await self._loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self._inside, _ = await self._loop.create_datagram_endpoint(
            lambda: _Answers(self._answer), remote_addr=self._server
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
        return 8 * sum(size for at, size in self.received if since <= at < until) / (until - since)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._client = addr
        self._changed.set()
        now = self._loop.time()
        self.received.append((now, len(data)))
        if self.media_since_s is None and 127 < data[0] < 192:
            self.media_since_s = now
        self._free_s = max(self._free_s, now)
        if self._free_s - now > self._queue_s or self._loses(data):
            self.dropped += 1
            return
        self._free_s += 8 * len(data) / self._rate_bps
        self._loop.call_at(self._free_s, self._pass_on, data)

    def _pass_on(self, data: bytes) -> None:
        if self._inside is not None and not self._inside.is_closing():
            self._inside.sendto(data)

    def _answer(self, data: bytes) -> None:
        if self._outside is not None and self._client is not None:
            self._outside.sendto(data, self._client)


class _Answers(asyncio.DatagramProtocol):
    def __init__(self, pass_on: Callable[[bytes], None]) -> None:
        self._pass_on = pass_on

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._pass_on(data)
