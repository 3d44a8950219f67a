"""UDP sockets on asyncio for media: read together in rounds, and each datagram with its age."""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from mediaserver import rounds

MAX_DATAGRAM = 2048
BURST = 64
"""Datagrams read at one wake-up; the rest waits for the next turn of the loop."""
MUCH_S, MUCH_TIMES = 0.03, 20
"""Datagrams that wake the loop so often in a row, so shortly after each other, are media."""
SILENT_S = 0.2
"""After so long without one it wakes the loop again."""
TIMER_EARLY_S = 0.001
SO_TIMESTAMPNS = 35
"""Of Linux: datagrams come with the time at which they came."""
ANCILLARY_BYTES = 64
LONGEST_AGE_S = 1.0
"""What is older is of a clock that was set."""

_TIMESPEC = struct.Struct("@qq")


class _Rounds:
    """Reads the sockets of one loop on which much comes, of all peers together."""

    def __init__(self) -> None:
        self._transports: set[UdpTransport] = set()
        self._timer: asyncio.TimerHandle | None = None

    def join(self, transport: "UdpTransport") -> None:
        self._transports.add(transport)
        if self._timer is None:
            self._wait()

    def leave(self, transport: "UdpTransport") -> None:
        self._transports.discard(transport)

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(rounds.after(loop.time() + TIMER_EARLY_S), self._read)

    def _read(self) -> None:
        self._timer = None
        for transport in tuple(self._transports):
            transport.read()
        if self._transports and self._timer is None:
            self._wait()


_rounds_of: WeakKeyDictionary[asyncio.AbstractEventLoop, _Rounds] = WeakKeyDictionary()


class UdpTransport(asyncio.DatagramTransport):
    """Reads a whole burst at one wake-up of the loop: when it comes, or, while much comes, in
    rounds."""

    def __init__(self, sock: socket.socket, protocol: asyncio.DatagramProtocol) -> None:
        super().__init__({"socket": sock, "sockname": sock.getsockname()})
        self.age_s = 0.0
        """How long ago what is being delivered came."""
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._protocol = protocol
        self._closing = False
        self._rounds = _rounds_of.setdefault(self._loop, _Rounds())
        self._heard_s = float("-inf")
        self._in_a_row = 0
        if sys.platform == "linux":
            sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._loop.add_reader(sock.fileno(), self._readable)

    def sendto(self, data: bytes | bytearray | memoryview, addr: Any = None) -> None:
        if self._closing:
            return
        try:
            self._socket.sendto(data, addr)
        except (BlockingIOError, InterruptedError):
            pass  # a full buffer loses packets, as the network does
        except OSError as error:
            self._protocol.error_received(error)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._rounds.leave(self)
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def read(self) -> None:
        """Deliver what has come since the last round."""
        now_s = self._loop.time()
        count = self.read_waiting()
        if count:
            self._heard_s = now_s
        elif now_s - self._heard_s > SILENT_S and not self._closing:
            self._in_a_row = 0
            self._rounds.leave(self)
            self._loop.add_reader(self._socket.fileno(), self._readable)
        if count == BURST:
            self._loop.call_soon(self.read)

    def _readable(self) -> None:
        now_s = self._loop.time()
        self._in_a_row = self._in_a_row + 1 if now_s - self._heard_s < MUCH_S else 0
        self._heard_s = now_s
        self.read_waiting()
        if self._in_a_row >= MUCH_TIMES and not self._closing:
            self._loop.remove_reader(self._socket.fileno())
            self._rounds.join(self)

    def read_waiting(self) -> int:
        """Deliver what has come; how many datagrams, BURST at most."""
        receive, deliver = self._socket.recvmsg, self._protocol.datagram_received
        for number in range(BURST):
            if self._closing:
                return number
            try:
                data, ancillary, _, address = receive(MAX_DATAGRAM, ANCILLARY_BYTES)
            except (BlockingIOError, InterruptedError):
                return number
            except OSError as error:
                self._protocol.error_received(error)
                return number
            self.age_s = age_s(ancillary)
            deliver(data, address)
        return BURST


def age_s(ancillary: Sequence[tuple[int, int, bytes]]) -> float:
    """How long ago the kernel took a datagram; 0 where it does not say."""
    for _, kind, content in ancillary:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(content)
            age_s: float = time.time() - seconds - nanoseconds / 1e9
            return min(max(0.0, age_s), LONGEST_AGE_S)
    return 0.0
