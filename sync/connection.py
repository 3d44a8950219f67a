"""A connection to Redis that says at once when Redis is away, and looks for it until it is back.

No command of ours is newer than Redis 6.2.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from importlib import resources
from typing import Any, TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from sync.errors import StoreUnavailable

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 1.5
"""A disk that is busy with others keeps a Redis that writes each change through waiting for up to a
second."""
FIELDS_AT_ONCE = 100
"""Of a hash: Redis does nothing else meanwhile, and this server decodes them in one go."""
_PROBE_INTERVAL_S = 0.2
_BEGINS_WITH = "-- begins with "

K = TypeVar("K", bound=str)


def check_url(url: str) -> None:
    """Raises ValueError if `url` has an option that Redis connections do not know."""
    try:
        pool = ConnectionPool.from_url(url)
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, RedisError):
        raise ValueError("has an option after ? that cannot be used") from None


class Connection:
    """One server's pool of connections. Once Redis has not answered, every call raises
    StoreUnavailable at once until `watch` finds it back."""

    def __init__(self, url: str) -> None:
        # No timeout of the client's own: it is kept by asyncio.wait_for, which before Python 3.12
        # swallows a cancellation that comes with the answer.
        self.redis = Redis.from_url(
            url,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 1),  # a pooled connection of before a restart is dead
        )
        self._away = asyncio.Event()

    @property
    def available(self) -> bool:
        return not self._away.is_set()

    async def close(self) -> None:
        await self.redis.aclose()

    async def watch(self, on_back: Callable[[], Awaitable[None]]) -> None:
        """Look for a Redis that went away, and call `on_back` each time it is back."""
        while True:
            await self._away.wait()
            try:
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    await self.redis.ping()
            except (RedisError, OSError):
                await asyncio.sleep(_PROBE_INTERVAL_S)
                continue
            self._away.clear()
            log.info("store_back")
            try:
                await on_back()
            except Exception:
                log.exception("store_back_failed")

    async def asked(
        self, command: Callable[[], Awaitable[Any]], timeout_s: float = ANSWER_TIMEOUT_S
    ) -> Any:
        """The answer to `command`. Raises StoreUnavailable."""
        if self._away.is_set():
            raise StoreUnavailable("the server's store (Redis) does not answer")
        try:
            async with asyncio.timeout(timeout_s):
                return await command()
        except (RedisConnectionError, RedisTimeoutError, TimeoutError, OSError) as error:
            if not self._away.is_set():
                log.warning("store_away error=%r", error)
            self._away.set()
            raise StoreUnavailable("the server's store (Redis) does not answer") from error
        except RedisError as error:
            raise StoreUnavailable(f"the server's store (Redis) refuses: {error}") from error

    async def fields(
        self, hash_key: str, names: Sequence[K], at_once: int = FIELDS_AT_ONCE
    ) -> dict[K, bytes]:
        """Those of the fields `names` that the hash has, in their order, read in slices."""
        found: dict[K, bytes] = {}
        for at in range(0, len(names), at_once):
            some = list(names[at : at + at_once])
            values = await self.asked(partial(self.redis.hmget, hash_key, some))
            pairs = zip(some, values, strict=True)
            found.update((name, value) for name, value in pairs if value is not None)
        return found

    async def script(
        self,
        package: str,
        name: str,
        keys: Sequence[str],
        arguments: Sequence[str | bytes | int],
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> list[str]:
        """Run lua/`name`.lua of `package`, which answers a list of strings."""
        script = self.redis.register_script(_source(package, name))
        answer = await self.asked(lambda: script(list(keys), list(arguments)), timeout_s)
        return [part.decode() for part in answer]

    async def scripts(
        self,
        package: str,
        name: str,
        calls: Sequence[tuple[Sequence[str], Sequence[str | bytes | int]]],
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> list[list[str]]:
        """Run lua/`name`.lua of `package` for each of `calls`, its keys and arguments. They are
        sent together, yet each stands alone: when Redis goes away, some may have been run."""
        if not calls:
            return []
        script = self.redis.register_script(_source(package, name))
        async with self.redis.pipeline(transaction=False) as pipeline:  # gives its connection back
            for keys, arguments in calls:
                await script(list(keys), list(arguments), client=pipeline)
            answers = await self.asked(pipeline.execute, timeout_s)
        return [[part.decode() for part in answer] for answer in answers]


@cache
def _source(package: str, name: str) -> str:
    """A script whose first line says so begins with another one."""
    source = resources.files(package).joinpath("lua", f"{name}.lua").read_text()
    first, _, rest = source.partition("\n")
    if first.startswith(_BEGINS_WITH):
        return _source(package, first.removeprefix(_BEGINS_WITH)) + rest
    return source
