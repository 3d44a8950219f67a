"""A client of the server's HTTP, as small as the demo and the benchmarks need it."""

from types import TracebackType
from typing import Any, Self

import aiohttp

TIMEOUT_S = 10.0


class ApiError(Exception):
    """The server said no, in its own words, or does not answer."""


class Api:
    """Speaks for the owner. `request` takes a path below `/api/v1`."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.cookies = aiohttp.CookieJar(unsafe=True)  # the server's address may be a number
        self._http = aiohttp.ClientSession(
            cookie_jar=self.cookies,
            headers={"Authorization": f"Bearer {token}"},
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.close()

    async def request(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of the answer, None where it is empty. Raises ApiError."""
        return await self._answer(method, path, json=body)

    async def upload(self, path: str, body: bytes, content_type: str) -> Any:
        """The JSON of the answer to a POST of a file. Raises ApiError."""
        headers = {"Content-Type": content_type}
        return await self._answer("POST", path, data=body, headers=headers)

    async def _answer(self, method: str, path: str, **sent: Any) -> Any:
        url = f"{self.address}/api/v1{path}"
        try:
            async with self._http.request(method, url, **sent) as response:
                if response.status >= 400:
                    raise ApiError(f"{method} {path}: {response.status} {await response.text()}")
                return await response.json() if response.content_type.endswith("json") else None
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(f"{method} {path}: {error!r}") from error

    async def metrics(self) -> str:
        async with self._http.get(f"{self.address}/metrics") as response:
            return await response.text()
