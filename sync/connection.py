"""A connection to Redis that says at once when Redis is away, and looks for it until it is back.

No command of ours is newer than Redis 6.2.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import cache, partial
from hashlib import sha1
from importlib import resources
from typing import Any, NamedTuple, TypeVar

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from sync.errors import StoreUnavailable

log = logging.getLogger(__name__)

ANSWER_TIMEOUT_S = 1.5
"""A disk that is busy with others keeps a Redis that writes each change through waiting for up to a
second."""
FIELDS_AT_ONCE = 100
"""Of a hash: Redis does nothing else meanwhile, and this server decodes them in one go."""
_PROBE_INTERVAL_S = 0.2
_AWAY = "the server's store (Redis) does not answer"
_BEGINS_WITH = "-- begins with "
_CALLS_AT_ONCE = 200

K = TypeVar("K", bound=str)


def check_url(url: str) -> None:
    """Raises ValueError if `url` has an option that Redis connections do not know."""
    try:
        pool = ConnectionPool.from_url(url)
        pool.connection_class(**pool.connection_kwargs)
    except (ValueError, TypeError, RedisError):
        raise ValueError("has an option after ? that cannot be used") from None


class _Script(NamedTuple):
    source: str
    sha: str


class _Call(NamedTuple):
    """A script to be run, and who waits for its answer."""

    script: _Script
    keys: Sequence[str]
    arguments: Sequence[str | bytes | int]
    answer: asyncio.Future[list[bytes]]


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
        self._waiting: dict[float, list[_Call]] = {}
        """Calls to go out together, by how long they may take."""
        self._running: set[asyncio.Task[None]] = set()

    @property
    def available(self) -> bool:
        return not self._away.is_set()

    async def close(self) -> None:
        """Whoever still waits for a script is cancelled."""
        for calls in self._waiting.values():
            _let_go(calls)
            calls.clear()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
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
            raise StoreUnavailable(_AWAY)
        try:
            async with asyncio.timeout(timeout_s):
                return await command()
        except (RedisConnectionError, RedisTimeoutError, TimeoutError, OSError) as error:
            if not self._away.is_set():
                log.warning("store_away error=%r", error)
            self._away.set()
            raise StoreUnavailable(_AWAY) from error
        except RedisError as error:
            raise _refusal(error) from error

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
        answer = await self._gathered(_script(package, name), keys, arguments, timeout_s)
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
        script = _script(package, name)
        answers = await asyncio.gather(
            *(self._gathered(script, keys, arguments, timeout_s) for keys, arguments in calls)
        )
        return [[part.decode() for part in answer] for answer in answers]

    def _gathered(
        self,
        script: _Script,
        keys: Sequence[str],
        arguments: Sequence[str | bytes | int],
        timeout_s: float,
    ) -> asyncio.Future[list[bytes]]:
        """The answer to come, of a call that goes out with all others of this turn of the event
        loop: what is sent and read in one piece costs much less. Raises StoreUnavailable."""
        if self._away.is_set():
            raise StoreUnavailable(_AWAY)
        loop = asyncio.get_running_loop()
        call = _Call(script, keys, arguments, loop.create_future())
        waiting = self._waiting.setdefault(timeout_s, [])
        if not waiting:
            loop.call_soon(self._send, timeout_s)
        waiting.append(call)
        return call.answer

    def _send(self, timeout_s: float) -> None:
        calls = self._waiting.pop(timeout_s)
        for at in range(0, len(calls), _CALLS_AT_ONCE):
            some = calls[at : at + _CALLS_AT_ONCE]
            task = asyncio.create_task(self._run(some, timeout_s))
            self._running.add(task)
            task.add_done_callback(partial(self._ended, some))

    def _ended(self, calls: Sequence[_Call], task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        _let_go(calls)

    async def _run(self, calls: Sequence[_Call], timeout_s: float) -> None:
        """Give each of `calls` its own answer or error; some may be waited for by nobody now."""
        try:
            answers = await self.asked(partial(self._evaluated, calls), timeout_s)
        except Exception as error:  # noqa: BLE001 - whoever waits is told
            for call in calls:
                if not call.answer.done():
                    call.answer.set_exception(_own(error))
        else:
            for call, answer in zip(calls, answers, strict=True):
                if call.answer.done():
                    continue
                if isinstance(answer, RedisError):
                    call.answer.set_exception(_refusal(answer))
                else:
                    call.answer.set_result(answer)

    async def _evaluated(self, calls: Sequence[_Call]) -> list[Any]:
        """The answers to `calls`, an exception for each that was refused."""
        answers = await self._piped(
            [("EVALSHA", each.script.sha, *_operands(each)) for each in calls]
        )
        unknown = [
            number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)
        ]
        if unknown:
            again = [calls[number] for number in unknown]
            found = await self._piped(
                [("EVAL", each.script.source, *_operands(each)) for each in again]
            )
            for number, answer in zip(unknown, found, strict=True):
                answers[number] = answer
        return answers

    async def _piped(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        async with self.redis.pipeline(transaction=False) as pipeline:  # gives its connection back
            for command in commands:
                pipeline.execute_command(*command)
            answers: list[Any] = await pipeline.execute(raise_on_error=False)
            return answers


def _let_go(calls: Sequence[_Call]) -> None:
    """Of those that have been answered nobody is cancelled."""
    for call in calls:
        call.answer.cancel()


def _operands(call: _Call) -> tuple[str | bytes | int, ...]:
    return len(call.keys), *call.keys, *call.arguments


def _refusal(error: RedisError) -> StoreUnavailable:
    return StoreUnavailable(f"the server's store (Redis) refuses: {error}")


def _own(error: Exception) -> Exception:
    """One of several that are raised for the same reason, each with a trace of its own."""
    if not isinstance(error, StoreUnavailable):
        return error
    own = StoreUnavailable(*error.args)
    own.__cause__ = error.__cause__
    return own


@cache
def _script(package: str, name: str) -> _Script:
    source = _source(package, name)
    return _Script(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


def _source(package: str, name: str) -> str:
    """A script whose first line says so begins with another one."""
    source = resources.files(package).joinpath("lua", f"{name}.lua").read_text()
    first, _, rest = source.partition("\n")
    if first.startswith(_BEGINS_WITH):
        return _source(package, first.removeprefix(_BEGINS_WITH)) + rest
    return source
