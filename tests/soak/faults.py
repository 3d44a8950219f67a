"""What may happen to a show: each is small, and done at once or within some seconds."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from tests.soak.show import FEEDS, Soaked

Fault = Callable[[Soaked], Awaitable[None]]
FAULTS: list[Fault] = []

PRESETS = ("solo", "side-by-side", "stack", "picture-in-picture", "grid", "spotlight")
KINDS = ("move", "fade", "cut")
OVERLAYS = (
    {"kind": "lower-third", "title": "Ann", "subtitle": "Boots, size 36 to 46"},
    {"kind": "ticker", "text": "Free shipping today"},
    {"kind": "clock", "rect": [0.75, 0.05, 0.2, 0.1], "seconds": True},
    {"kind": "qr", "rect": [0.8, 0.6, 0.15, 0.25], "data": "https://shop.example"},
)
HUNG_S = 2.0
REFUSES_S = 3.0


def fault(each: Fault) -> Fault:
    FAULTS.append(each)
    return each


@fault
async def a_host_is_killed_and_comes_back(show: Soaked) -> None:
    host = show.rng.choice(show.hosts)
    await host.die()
    await asyncio.sleep(show.rng.uniform(0.2, 5))
    await host.join()


@fault
async def a_host_hangs(show: Soaked) -> None:
    host = show.rng.choice(show.hosts)
    host.send(signal.SIGSTOP)
    await asyncio.sleep(HUNG_S)
    host.send(signal.SIGCONT)


@fault
async def a_host_is_sent_away_or_admitted(show: Soaked) -> None:
    feed = show.rng.choice(FEEDS)
    await show.request("PATCH", f"/feeds/{feed}", {"admitted": show.rng.random() < 0.5})


@fault
async def the_other_host_gets_a_new_invitation(show: Soaked) -> None:
    invitation = await show.request("POST", f"/feeds/{FEEDS[1]}/token")
    await show.other.die()
    show.other.arguments = (invitation["whip_url"], invitation["token"], "VP8")
    await show.other.join()


@fault
async def the_mix_changes(show: Soaked) -> None:
    change = show.rng.choice(
        (
            {"gain_db": round(show.rng.uniform(-60, 20), 1)},
            {"muted": show.rng.random() < 0.5},
            {"solo": show.rng.random() < 0.5},
        )
    )
    await show.request("PATCH", f"/feeds/{show.rng.choice(FEEDS)}", change)


@fault
async def the_layout_changes(show: Soaked) -> None:
    transition = {"kind": show.rng.choice(KINDS), "duration_ms": show.rng.randrange(0, 2000)}
    layout = {"preset": show.rng.choice(PRESETS), "transition": transition}
    await show.request("PUT", "/canvases/landscape/layout", layout)


@fault
async def the_overlays_change(show: Soaked) -> None:
    overlays = show.rng.sample(OVERLAYS, show.rng.randrange(len(OVERLAYS) + 1))
    await show.request("PUT", "/canvases/landscape/overlays", overlays)


@fault
async def the_way_to_a_target_goes_dead(show: Soaked) -> None:
    show.relay.swallow()


@fault
async def a_target_is_cut_off(show: Soaked) -> None:
    show.relayed.hang_up()


@fault
async def a_target_hangs_up(show: Soaked) -> None:
    show.moody.hang_up()


@fault
async def a_target_stalls(show: Soaked) -> None:
    show.moody.stall()


@fault
async def a_target_refuses_the_key(show: Soaked) -> None:
    show.moody.refuses = True
    show.moody.hang_up()
    await asyncio.sleep(REFUSES_S)
    show.moody.refuses = False
    await show.request("POST", "/targets/moody/start")


@fault
async def redis_is_killed(show: Soaked) -> None:
    """The show is steered meanwhile."""
    if (redis := show.redis()) is not None:
        redis.kill()
    await the_layout_changes(show)
    await show.until_durable()


@fault
async def a_viewer_comes_or_goes(show: Soaked) -> None:
    if show.viewer is None:
        await show.watch()
    else:
        await show.stop_watching(says_so=show.rng.random() < 0.5)


@fault
async def a_reader_of_events_reads_nothing(show: Soaked) -> None:
    if show.reader is not None:
        await show.stop_listening()
    await show.listen_without_reading()
    for number in range(100):
        await show.request("PATCH", "", {"title": f"Soak {number}"})


@fault
async def a_recording_starts_or_stops(show: Soaked) -> None:
    if show.records:
        await show.stop_recording()
    else:
        await show.record()
