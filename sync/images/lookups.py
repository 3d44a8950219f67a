"""Hosts to addresses, each looked up once for a while however many pictures it has."""

import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import Final

from aiohappyeyeballs import AddrInfoType

Resolve = Callable[[str, int], Awaitable[Sequence[AddrInfoType]]]
"""A host and a port to what socket.getaddrinfo gives; raises OSError."""

KEPT_S: Final = 10.0
MOST_KEPT: Final = 256


class Lookups:
    """`resolve`, asked once in KEPT_S for the same host and port, and never for an IP address. What
    failed is asked again. `clock` gives seconds."""

    def __init__(self, resolve: Resolve, clock: Callable[[], float]) -> None:
        self._resolve = resolve
        self._clock = clock
        self._kept: dict[tuple[str, int], tuple[float, Sequence[AddrInfoType]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[AddrInfoType]:
        """Raises OSError."""
        if _is_literal(host):
            flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV  # nobody is asked
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
        at, found = self._kept.get((host, port), (-KEPT_S, ()))
        if self._clock() - at < KEPT_S:
            return found
        found = await self._resolve(host, port)
        if len(self._kept) == MOST_KEPT:
            self._kept.clear()
        self._kept[host, port] = self._clock(), found
        return found


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
