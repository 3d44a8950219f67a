"""The peer: FFmpeg's command line doing job J1 from plain RTP."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.rtp import RtpPorts, sdp

LISTENING_AFTER_S = 1.0
FILTER = (
    "[0:v:0]fps=30,scale=640:360:flags=bilinear[v0];"
    "[0:v:1]fps=30,scale=640:360:flags=bilinear[v1];"
    "[v0][v1]hstack,pad=1280:720:0:180:black[v];"
    "[0:a:0]aresample=48000:async=1[a0];[0:a:1]aresample=48000:async=1[a1];"
    "[a0][a1]amix=inputs=2:normalize=0[m]"
)


INPUT = (
    "-hide_banner -loglevel error -nostdin -filter_complex_threads 1 "
    "-protocol_whitelist file,udp,rtp -thread_queue_size 1024 -threads 1 "
    "-fflags nobuffer -flags low_delay"
)
OUTPUT = (
    "-c:v libx264 -preset veryfast -tune zerolatency -b:v 3000k -maxrate 3000k -bufsize 3000k "
    "-g 60 -keyint_min 60 -sc_threshold 0 -threads:v 1 "
    "-c:a aac -b:a 128k -f tee -use_fifo 1"
)


def command(description: Path, urls: Sequence[str]) -> list[str]:
    """Feeds in, two tiles, x264 and AAC, one FLV output for each of `urls`."""
    maps = ["-map", "[v]", "-map", "[m]"]
    outputs = "|".join(f"[f=flv]{url}" for url in urls)
    graph = ["-filter_complex", FILTER]
    return [
        "ffmpeg",
        *INPUT.split(),
        *("-i", str(description)),
        *graph,
        *maps,
        *OUTPUT.split(),
        outputs,
    ]


@asynccontextmanager
async def composing(
    feeds: list[RtpPorts], command: Callable[[Path], list[str]], directory: Path
) -> AsyncIterator[int]:
    """FFmpeg, listening for `feeds`; gives its process id. Killed with the block.

    `command` reads the session description at that path.
    """
    description = directory / "feeds.sdp"
    description.write_text(sdp(feeds))
    with (directory / "ffmpeg.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command(description), stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        await asyncio.sleep(LISTENING_AFTER_S)
        yield process.pid
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)  # it would wait for its inputs to time out
        await process.wait()
