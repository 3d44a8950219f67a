"""Names to addresses, without holding up anybody else's lookups or the process's end."""

import asyncio
import socket
import threading
from contextlib import suppress

from aiohappyeyeballs import AddrInfoType


async def resolve(host: str, port: int) -> list[AddrInfoType]:
    """The TCP addresses of `host`. Raises socket.gaierror.

    `loop.getaddrinfo` takes one of the few threads of the loop's executor for as long as a dead
    name server keeps it, and the loop waits for that thread at its end. A lookup that nobody
    waits for any more ends here on a daemon thread of its own.
    """
    loop = asyncio.get_running_loop()
    found: asyncio.Future[list[AddrInfoType]] = loop.create_future()

    def settle(addresses: list[AddrInfoType], error: OSError | None) -> None:
        if found.cancelled():
            return
        if error is not None:
            found.set_exception(error)
        else:
            found.set_result(addresses)

    def look_up() -> None:
        addresses: list[AddrInfoType] = []
        failure: OSError | None = None
        try:
            addresses = list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            failure = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, addresses, failure)

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    return await found
