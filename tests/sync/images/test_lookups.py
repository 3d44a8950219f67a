import socket
from collections.abc import Sequence

import pytest
from aiohappyeyeballs import AddrInfoType

from sync.images.lookups import KEPT_S, MOST_KEPT, Lookups
from tests.sync.now import Now


class Names:
    """Gives every name another address each time."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[AddrInfoType]:
        self.asked.append(host)
        if host == "none.example":
            raise socket.gaierror
        return [(2, 1, 6, "", (f"192.0.2.{len(self.asked)}", port))]


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def lookups(names: Names, now: Now) -> Lookups:
    return Lookups(names, now)


async def test_a_host_is_looked_up_once_for_a_while(
    lookups: Lookups, names: Names, now: Now
) -> None:
    first = await lookups("cdn.example", 443)
    now.advance(KEPT_S - 0.1)
    assert await lookups("cdn.example", 443) == first
    now.advance(0.1)
    assert await lookups("cdn.example", 443) != first
    await lookups("cdn.example", 80)

    assert names.asked == ["cdn.example"] * 3


async def test_what_failed_is_asked_again(lookups: Lookups, names: Names) -> None:
    for _ in range(2):
        with pytest.raises(socket.gaierror):
            await lookups("none.example", 443)

    assert len(names.asked) == 2


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "fe80::1"])
async def test_an_ip_address_is_what_it_is(host: str, lookups: Lookups, names: Names) -> None:
    ((_, _, _, _, address),) = await lookups(host, 443)

    assert address[:2] == (host, 443)
    assert names.asked == []


async def test_only_so_many_are_kept(lookups: Lookups, names: Names) -> None:
    for number in range(MOST_KEPT + 1):
        await lookups(f"{number}.example", 443)
    await lookups("0.example", 443)
    await lookups(f"{MOST_KEPT}.example", 443)

    assert names.asked[-1] == "0.example"
