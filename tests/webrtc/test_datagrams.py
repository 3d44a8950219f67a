import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mediaserver.webrtc.datagrams import BURST, LONGEST_AGE_S, UdpTransport, age_s


class Listener(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.came = asyncio.Event()

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.heard.append(data)
        self.came.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.heard) < count:
                self.came.clear()
                await self.came.wait()


class Line:
    """A socket that sends to a transport of ours."""

    def __init__(self) -> None:
        self.listener = Listener()
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        receiver.bind(("127.0.0.1", 0))
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sender.connect(receiver.getsockname())
        self.transport = UdpTransport(receiver, self.listener)

    def close(self) -> None:
        self.transport.close()
        self.sender.close()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    line = Line()
    yield line
    line.close()


async def test_each_datagram_of_a_steady_stream_comes_in_order(line: Line) -> None:
    sent = [struct.pack("!I", number) for number in range(60)]
    for number, datagram in enumerate(sent):
        line.sender.send(datagram)
        await line.listener.until(number + 1)

    assert line.listener.heard == sent


async def test_bursts_that_take_several_turns_come_whole_in_rounds_too(line: Line) -> None:
    expected = 0
    for count in (*[1] * 40, 2 * BURST + 1, BURST, 1):
        for _ in range(count):
            line.sender.send(b"part")
        expected += count
        await line.listener.until(expected)

    assert len(line.listener.heard) == expected


async def test_two_streams_are_read_in_the_same_rounds_and_end_alone(line: Line) -> None:
    other = Line()
    for number in range(40):
        for each in (line, other):
            each.sender.send(b"media")
            await each.listener.until(number + 1)
    other.close()
    line.sender.send(b"more")

    await line.listener.until(41)

    assert len(other.listener.heard) == 40


def ancillary(came_s: float) -> list[tuple[int, int, bytes]]:
    return [(socket.SOL_SOCKET, 35, struct.pack("@qq", int(came_s), int(came_s % 1 * 1e9)))]


def test_a_datagram_says_how_long_ago_it_came() -> None:
    assert 0.1 <= age_s(ancillary(time.time() - 0.1)) <= LONGEST_AGE_S


@pytest.mark.parametrize(("came_in_s", "age"), [(3600, 0.0), (-3600, LONGEST_AGE_S)])
def test_a_clock_that_was_set_makes_no_age_of_hours(came_in_s: float, age: float) -> None:
    assert age_s(ancillary(time.time() + came_in_s)) == age


def test_a_system_that_says_nothing_of_ages_is_taken_to_be_quick() -> None:
    assert age_s([]) == 0.0
