"""FFmpeg's command as a studio encoder that publishes over RTMP."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

TIMEOUT_S = 30.0

FLASHES = (
    "color=c=black:s=320x180:r=30,drawbox=c=white:t=fill:enable='lt(mod(t,1),0.2)',format=yuv420p"
)
BEEPS = "aevalsrc='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.2)':s={rate}:c={layout}"
"""White for the first 0.2 s of each second, and a tone with it."""

PICTURE = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-threads", "1")
B_FRAMES = (*PICTURE, "-bf", "2", "-b_strategy", "0")
SOUND = ("-c:a", "aac", "-b:a", "96k")


@dataclass(frozen=True)
class Ffmpeg:
    process: asyncio.subprocess.Process

    async def said(self) -> str:
        """Wait for its end; what it wrote to standard error."""
        async with asyncio.timeout(TIMEOUT_S):
            _, said = await self.process.communicate()
        return said.decode()


def inputs(*, rate: int = 48_000, layout: str = "stereo") -> list[str]:
    """Flashes as the first input and beeps as the second, at the pace of real time."""
    beeps = BEEPS.format(rate=rate, layout=layout)
    return ["-re", "-f", "lavfi", "-i", FLASHES, "-re", "-f", "lavfi", "-i", beeps]


@asynccontextmanager
async def ffmpeg(url: str, arguments: Sequence[str]) -> AsyncIterator[Ffmpeg]:
    """Publishes to `url`; killed with the block."""
    process = await asyncio.create_subprocess_exec(
        *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error"),
        *arguments,
        *("-f", "flv", url),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Ffmpeg(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
