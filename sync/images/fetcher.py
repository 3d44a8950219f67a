"""One picture fetched from an address that somebody typed in: nobody else's machine is reached by
it, and nothing that comes back is believed.

The host is resolved once, every address it has is judged, and the connection goes to those alone;
each redirect is a new address and judged like the first.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple
from urllib.parse import urljoin

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from sync.errors import SyncError
from sync.images.address import WebAddress, web_address
from sync.images.lookups import Resolve
from sync.images.picture import NoPicture, Picture, picture

MOST_REDIRECTS: Final = 5

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({408, 425, 429})
"""Refusals that say themselves that another time may do (RFC 9110, 8470, 6585)."""

_UNTOLD = ("", "application/octet-stream", "binary/octet-stream")
"""What servers say that do not know what they have."""

_DECODED_AT_ONCE = 1
"""A PNG of the most pixels takes 100 MB while it is decoded, a WebP three times as much."""


class ImageRefused(SyncError):
    """The address or what is there cannot be used, now or later; `reason` tells in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ImageUnreachable(ImageRefused):
    """It could not be had this time: another time may do."""


class Limits(NamedTuple):
    """What one picture may take; `time_s` is for all of it, redirects included."""

    size_bytes: int = 20_000_000
    time_s: float = 20.0
    connect_s: float = 5.0


LIMITS: Final = Limits()


class Fetched(NamedTuple):
    data: bytes
    picture: Picture


class Fetcher:
    """`may_ask` tells of an IP address whether it may be connected to (see address.may_ask); `tls`
    says which certificates are good: those that the machine trusts, unless given."""

    def __init__(
        self,
        resolve: Resolve,
        may_ask: Callable[[str], bool],
        limits: Limits = LIMITS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._resolve = resolve
        self._may_ask = may_ask
        self._limits = limits
        self._tls = tls
        self._decoding = asyncio.Semaphore(_DECODED_AT_ONCE)

    async def fetch(self, url: str) -> Fetched:
        """Raises ImageRefused or ImageUnreachable."""
        try:
            async with asyncio.timeout(self._limits.time_s):
                data = await self._followed(url)
        except TimeoutError:
            raise ImageUnreachable(f"did not come within {self._limits.time_s:g} s") from None
        async with self._decoding:
            try:
                return Fetched(data, await asyncio.to_thread(picture, data))
            except NoPicture as error:
                raise ImageRefused(str(error)) from error

    async def _followed(self, url: str) -> bytes:
        """The bytes at `url`, or where it leads to."""
        for _ in range(MOST_REDIRECTS + 1):
            try:
                address = web_address(url)
            except ValueError as error:
                raise ImageRefused(f"the address {error}") from error
            pinned = _Pinned(address.host, await self._resolved(address))
            async with self._asked(address, pinned) as response:
                if response.status not in _REDIRECTS:
                    return await self._body(response)
                url = urljoin(address.url, response.headers.get("Location", ""))
        raise ImageRefused(f"leads on to another address more than {MOST_REDIRECTS} times")

    async def _resolved(self, address: WebAddress) -> Sequence[AddrInfoType]:
        try:
            async with asyncio.timeout(self._limits.connect_s):
                found = await self._resolve(address.host, address.port)
        except (OSError, UnicodeError):  # TimeoutError is an OSError
            raise ImageUnreachable(f"the host {address.host} cannot be found") from None
        for _, _, _, _, sockaddr in found:
            if not self._may_ask(sockaddr[0]):
                raise ImageRefused(
                    f"the host {address.host} is inside a private network, which is not asked "
                    "unless SHOPCAST_ALLOW_PRIVATE_IMAGES allows it"
                )
        return found

    @asynccontextmanager
    async def _asked(
        self, address: WebAddress, pinned: "_Pinned"
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer of one host, on a connection of its own. Raises ImageUnreachable."""
        connector = aiohttp.TCPConnector(
            resolver=pinned,
            use_dns_cache=False,
            force_close=True,
            limit=1,
            ssl=self._tls or True,
        )
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._limits.connect_s)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    timeout=timeout,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    auto_decompress=False,
                    headers={
                        "Accept": "image/jpeg, image/png, image/webp",
                        "Accept-Encoding": "identity",
                        "User-Agent": "Shopcast",
                    },
                ) as session,
                session.get(URL(address.url, encoded=True), allow_redirects=False) as response,
            ):
                yield response
        except (aiohttp.ClientSSLError, aiohttp.ServerFingerprintMismatch):
            raise ImageUnreachable(f"the certificate of {address.host} does not fit") from None
        except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
            raise ImageUnreachable(f"the host {address.host} does not answer") from None
        except (aiohttp.ClientError, OSError):
            raise ImageUnreachable(f"the answer of {address.host} broke off") from None

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        status = response.status
        if status in _LATER or status >= 500:
            raise ImageUnreachable(f"the server answers {status}")
        if status != 200:
            raise ImageRefused(f"the server answers {status}")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ImageRefused("the server sends it compressed, which was not asked for")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind == "image/svg+xml":
            raise ImageRefused("is an SVG drawing: it must be a JPEG, PNG or WebP picture")
        if not kind.startswith("image/") and kind not in _UNTOLD:
            raise ImageRefused(f"is no picture: the server calls it {kind[:60]}")
        most = self._limits.size_bytes
        too_large = f"has more than {most / 1e6:g} MB"
        if (response.content_length or 0) > most:
            raise ImageRefused(too_large)
        data = bytearray()
        async for chunk in response.content.iter_any():
            data += chunk
            if len(data) > most:
                raise ImageRefused(too_large)
        return bytes(data)


class _Pinned(AbstractResolver):
    """Resolves one host to what it was found to be, and nothing else."""

    def __init__(self, host: str, found: Sequence[AddrInfoType]) -> None:
        self._host = host
        self._found = found

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if host != self._host:
            raise OSError(f"{host} was not resolved")
        return [
            ResolveResult(
                hostname=host,
                host=sockaddr[0],
                port=port,
                family=found_family,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for found_family, _, proto, _, sockaddr in self._found
        ]

    async def close(self) -> None:
        """There is nothing to close."""
