"""The demo as a user starts it: a server, two cameras, a destination, each in its own process."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

END_WITHIN_S = 40.0


@asynccontextmanager
async def demo(scratch: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mediaserver", "demo", *options),
        env={**os.environ, "TMPDIR": str(scratch)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(END_WITHIN_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def processes_of(scratch: Path) -> Sequence[str]:
    """Command lines and environments of processes that know of `scratch`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            texts = [process.joinpath(name).read_bytes() for name in ("cmdline", "environ")]
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if any(str(scratch).encode() in text for text in texts):
            found.append(texts[0].decode())
    return found


async def test_demo_ends_by_itself_and_shows_that_both_feeds_arrived(scratch: Path) -> None:
    async with demo(scratch, "--seconds", "10") as process:
        output, _ = await process.communicate()
    text = output.decode()
    assert process.returncode == 0, text
    assert "the show arrived" in text
    lines = [line for line in text.splitlines() if " fps, " in line]
    assert [line.split("|")[0].strip() for line in lines] == [f"{n} s" for n in range(1, 11)]
    assert all("local live" in line for line in lines)
    assert lines[-1].endswith("TikTok: 4 eligible, 2 ineligible")
    assert processes_of(scratch) == []


async def test_interrupted_demo_ends_all_that_it_started(scratch: Path) -> None:
    async with demo(scratch) as process:
        assert process.stdout is not None
        while b" fps, " not in (line := await process.stdout.readline()):
            assert line, "the demo ended before it was on air"
        assert len(processes_of(scratch)) > 1
        process.send_signal(signal.SIGINT)
        output = await process.stdout.read()
        assert await process.wait() == 0, output.decode()
    assert processes_of(scratch) == []
