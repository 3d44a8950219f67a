"""A Python process of this project that somebody started and therefore ends."""

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

END_WITHIN_S = 8.0


class ChildFailed(Exception):
    """The process ended by itself or did not do what it was started for."""


class Child:
    """`python -m module` in a session of its own: Ctrl-C is for us, who then end it in order.

    Its standard error goes to the file `log`. Without an `environment` it has ours.
    """

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._log = log

    @classmethod
    async def start(
        cls,
        name: str,
        module: str,
        *arguments: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> "Child":
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, *arguments),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                start_new_session=True,
            )
        return cls(name, process, log)

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def tell(self, line: bytes) -> None:
        """Write one line to its standard input. Raises ChildFailed if it is gone."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + b"\n")
            await self._process.stdin.drain()
        except ConnectionError as error:
            raise self.failure("is gone") from error

    async def line(self, timeout_s: float) -> bytes:
        """The next line of its standard output. Raises ChildFailed if none comes."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise self.failure(f"said nothing for {timeout_s:g} s") from None
        if not line:
            raise self.failure("ended")
        return line.rstrip(b"\n")

    def failure(self, what: str) -> ChildFailed:
        """An error that ends in the last lines of the log."""
        tail = self._log.read_text(errors="replace").splitlines()[-15:]
        return ChildFailed("\n".join([f"{self.name} {what}", *tail]))

    async def stop(self, *, by_signal: bool = False) -> None:
        """Close its standard input, or send SIGTERM too; kill it where it does not obey."""
        if self.running:
            assert self._process.stdin is not None
            self._process.stdin.close()
            if by_signal:
                self._process.terminate()
        try:
            async with asyncio.timeout(END_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def standard_input() -> asyncio.StreamReader:
    """This process's own standard input, which its parent closes to end it."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader
