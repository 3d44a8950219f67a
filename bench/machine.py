"""What a figure was measured on and with."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import av

PACKAGES = ("shopcast", "aiortc", "av", "aiohttp", "numpy")


def machine() -> dict[str, str | int]:
    """Processor, cores that may be used, memory and kernel."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in cpuinfo if line.startswith("model name")]
    pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": pages * page_bytes >> 20,
        "kernel": platform.release(),
    }


def versions() -> dict[str, str]:
    """Of Python, our packages, FFmpeg's libraries in the av wheel, and FFmpeg's CLI."""
    packages = {name: version(name) for name in PACKAGES}
    libavcodec = ".".join(map(str, av.library_versions["libavcodec"]))
    return {
        "python": platform.python_version(),
        **packages,
        "libavcodec": libavcodec,
        "ffmpeg_cli": ffmpeg_version(),
    }


def ffmpeg_version() -> str:
    """As `ffmpeg -version` says it: the third word of the first line."""
    answer = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True)
    return answer.stdout.split()[2]
