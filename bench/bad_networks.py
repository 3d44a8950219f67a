"""What a host's picture becomes on bad networks: Chromium's page, a relay, our receiver.

Each run is one session on each network, looked at from its fifth second on. Losses and jitter
are the same both ways; `overtaking` packets are jittered each for itself, others stay in order.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

from bench.report import Figures, Options, Report, percentile, report, run
from mediaserver.clock import MonotonicClock
from mediaserver.webrtc.session import WhipSession
from mediaserver.webrtc.transport import IceSettings
from tests.webrtc.chromium import (
    FAKE_CAMERA,
    Launch,
    behind,
    browsers,
    camera,
    join,
    write_busy_camera,
)
from tests.webrtc.passage import passage
from tests.webrtc.relay import CLEAR, Line
from tests.webrtc.server import WhipServer

SETTLED_S = 5.0
RADIO = Line(loss=0.03, delay_s=0.01, jitter_s=0.03)
NETWORKS = {
    "clear": (CLEAR, CLEAR),
    "overtaking": (replace(RADIO, loss=0.0, in_order=False),) * 2,
    "3pct": (RADIO, RADIO),
    "3pct_overtaking": (replace(RADIO, in_order=False),) * 2,
    "10pct_overtaking": (replace(RADIO, loss=0.1, in_order=False),) * 2,
    "3pct_far": (replace(RADIO, delay_s=0.1),) * 2,
    "600kbps": (Line(rate_bps=600_000, queue_s=0.3), CLEAR),
}
"""The way up and the way down of each."""


async def measure(options: Options) -> Report:
    runs: list[Figures] = []
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "camera.y4m"
        write_busy_camera(path)
        async with browsers() as launch:
            for _ in range(options.runs):
                figures: Figures = {}
                for name, (up, down) in NETWORKS.items():
                    seen = await session(launch, path, up, down, options.seconds)
                    figures |= {f"{name}_{figure}": value for figure, value in seen.items()}
                runs.append(figures)
    return report("bad_networks", runs, {}, {})


async def session(launch: Launch, path: Path, up: Line, down: Line, seconds: float) -> Figures:
    server = WhipServer(IceSettings(), MonotonicClock())
    await server.start()
    browser = await launch(FAKE_CAMERA, camera(path))
    page = await browser.new_page()
    async with behind(page, up, down) as relays:
        await join(page, server)
        await server.feed.until(lambda: bool(server.feed.of("video")))
        [relay] = relays
        assert relay.media_since_s is not None
        since = relay.media_since_s + SETTLED_S
        await relay.until(lambda: relay.received[-1].at > since + seconds, SETTLED_S + seconds + 5)
        seen = passage(relay, server.feed.units, since, since + seconds)
        source = server.feed.source
        assert isinstance(source, WhipSession)
        stats = source.stats()
    await browser.close()
    await server.stop()
    delays_ms = [1000 * delay for delay in seen.delays_s]
    return {
        "frames_lost_pct": 100 * seen.lost_share,
        "longest_freeze_ms": 1000 * seen.longest_freeze_s,
        "sent_kbps": seen.rate_bps / 1000,
        "delay_p50_ms": percentile(delays_ms, 50),
        "delay_p95_ms": percentile(delays_ms, 95),
        "nacks_per_100_packets": 100 * stats.nacks / stats.packets,
        "plis": stats.plis,
    }


if __name__ == "__main__":
    run(__doc__ or "", 15.0, measure)
