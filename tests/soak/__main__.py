"""Disturb a show for some minutes, and say every minute how it is.

`python -m tests.soak [--minutes 10] [--seed S]`; the exit code is 1 where the show was not well.
"""

import argparse
import asyncio
import random
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import psutil

from mediaserver.demo.api import ApiError
from mediaserver.demo.broadcast import NotReached
from mediaserver.demo.child import ChildFailed
from tests.soak.faults import FAULTS, Fault
from tests.soak.judge import SETTLED_AT, Minute, complaints, growth
from tests.soak.show import Soaked, on_air
from tests.webrtc.flash_and_beep import skews

MINUTE_S = 60.0
CALM_S = 12.0
"""Of each minute, the last part, in which nothing is disturbed."""
MEASURED_S = 6.0
PAUSE_S = 0.5, 4.0
"""Between two faults."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=secrets.randbits(32))
    given = arguments.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="shopcast-soak-"))
    print(f"seed {given.seed}, logs in {directory}", flush=True)
    try:
        return asyncio.run(soak(given.minutes, random.Random(given.seed), directory))
    except (ApiError, ChildFailed, NotReached, TimeoutError) as error:
        print(f"the show did not come back: {error!r}")
        return 1
    finally:
        shutil.rmtree(directory / "data", ignore_errors=True)


async def soak(count: int, rng: random.Random, directory: Path) -> int:
    refusals: list[str] = []
    minutes: list[Minute] = []
    deck = shuffled(rng)
    faults = 0
    async with on_air(directory, rng) as show:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        for number in range(1, count + 1):
            calm_at_s = began_s + number * MINUTE_S - CALM_S
            faults += await disturb(show, deck, calm_at_s, refusals)
            note(directory, "calm")
            await show.calm()
            minutes.append(await measure(show, number, faults))
            print(minutes[-1], flush=True)
        witnesses = show.witness.connections
        for gap in show.witness.sound_gaps:
            print(f"gap in sound at {gap}")
        await show.broadcast.end()
    tracebacks = (directory / "server.log").read_text().count("Traceback (most recent call last)")
    grown = growth(minutes)
    print(
        "memory can be judged from minute 3 on"
        if grown is None
        else f"memory grew by {grown:.1%} after minute {SETTLED_AT}"
    )
    found = complaints(minutes, witnesses=witnesses, refusals=refusals, tracebacks=tracebacks)
    print("\n".join(found or ["all is well"]))
    return 1 if found else 0


def shuffled(rng: random.Random) -> Iterator[Fault]:
    """All faults in a random order, then in another, without end."""
    while True:
        yield from rng.sample(FAULTS, len(FAULTS))


async def disturb(show: Soaked, deck: Iterator[Fault], until_s: float, refusals: list[str]) -> int:
    """Faults one after the other; how many."""
    loop = asyncio.get_running_loop()
    done = 0
    while loop.time() < until_s:
        fault = next(deck)
        note(show.directory, fault.__name__)
        try:
            await fault(show)
        except ApiError as error:
            refusals.append(f"{fault.__name__}: {error}")
        done += 1
        await asyncio.sleep(show.rng.uniform(*PAUSE_S))
    return done


def note(directory: Path, what: str) -> None:
    """Beside the server's log, which has times of the same clock."""
    with (directory / "faults.log").open("a") as log:
        print(datetime.now().isoformat(" ", "milliseconds"), what, file=log)


async def measure(show: Soaked, number: int, faults: int) -> Minute:
    media = asyncio.create_task(show.witness.media(MEASURED_S))
    server, redis = psutil.Process(show.server.pid), show.redis()
    server_mib, redis_mib = [], []
    while not media.done():
        server_mib.append(server.memory_info().rss / 2**20)
        redis_mib.append(redis.memory_info().rss / 2**20 if redis else 0.0)
        await asyncio.wait((media,), timeout=1)
    found = await asyncio.to_thread(skews, media.result(), float(show.flash.said))
    sizes_ms = 1000 * np.abs(found)
    program = (await show.broadcast.state())["canvases"]["landscape"]["program"]
    return Minute(
        number=number,
        frames=show.witness.frames,
        sound_gaps=len(show.witness.sound_gaps),
        late_ticks=program["late_ticks"],
        skew_p50_ms=float(np.median(sizes_ms)) if found else None,
        skew_p95_ms=float(np.percentile(sizes_ms, 95)) if found else None,
        server_mib=float(np.mean(server_mib)),
        redis_mib=float(np.mean(redis_mib)),
        faults=faults,
    )


if __name__ == "__main__":
    sys.exit(main())
