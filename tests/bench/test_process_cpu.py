"""CPU of a whole process tree."""

import asyncio
import sys

import pytest

from bench.process_cpu import tree_cpu_s

BURN = "import time\nwhile time.process_time() < 0.3: pass\n"
PARENT = f"""
import subprocess, sys
subprocess.run([sys.executable, "-c", {BURN!r}])
living = subprocess.Popen([sys.executable, "-c", {BURN!r} + "print('burnt', flush=True); input()"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
living.stdout.readline()
print("ready", flush=True)
input()
living.communicate(b"\\n")
"""


async def test_living_and_dead_children_count() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        assert await process.stdout.readline() == b"ready\n"
        used_s = tree_cpu_s(process.pid)
        await process.communicate(b"\n")
    assert used_s >= 0.55  # two that burnt 0.3 s each, by a clock of 10 ms


async def test_a_process_that_has_ended_is_said_to_have() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await process.wait()
    with pytest.raises(ProcessLookupError, match=f"process {process.pid} has ended"):
        tree_cpu_s(process.pid)
