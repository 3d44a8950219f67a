"""What a preview costs, and how far it is behind: Chromium watching a show that is on air (job J1).

`first_picture`: from the POST to the first picture shown, at times spread between two keyframes.
`picture_behind`, `sound_behind`: from when it was composed or mixed to when it is shown or heard,
by the sender reports and the browser's estimate of what it plays out. `skew`: sound behind picture.
`viewer`: what one more player takes of a core in the server's process tree.
"""

import asyncio
from typing import Any

from playwright.async_api import Page

from bench import j1
from bench.process_cpu import cpu_pct_core
from bench.report import Figures, Options, Report, percentile, report, run
from tests.webrtc.chromium import browsers

OPENINGS = 8
KEYFRAME_INTERVAL_S = 2.0
VIEWERS = 4
UNMUTED = "--autoplay-policy=no-user-gesture-required"
UNIX_TO_NTP_MS = 2_208_988_800_000

OPEN = """async ([url, token]) => {
  const { Viewing } = await import("/whep.js");
  const viewing = new Viewing(url, token);
  const video = document.createElement("video");
  Object.assign(video, { autoplay: true, srcObject: viewing.stream });
  document.body.append(video);
  const asked = performance.now();
  const first = new Promise((seen) => video.requestVideoFrameCallback(seen));
  await viewing.connect();
  (window.viewings ??= []).push(viewing);
  return (await first) - asked;
}"""

CLOSE = "viewings.splice(0).forEach((viewing) => viewing.close())"

SAMPLES = """async (seconds) => {
  const samples = [];
  const end = performance.now() + 1000 * seconds;
  while (performance.now() < end) {
    await new Promise((shown) => requestAnimationFrame(shown));
    const now = Date.now();
    const found = {};
    for (const each of (await viewings[0].stats()).values())
      if (each.type === "inbound-rtp") found[each.kind] = each.estimatedPlayoutTimestamp;
    if (found.video && found.audio) samples.push([now - found.video, now - found.audio]);
  }
  return samples;
}"""


async def measure(options: Options) -> Report:
    ours = []
    for _ in range(options.runs):
        async with j1.scratch() as directory, j1.sinks(directory) as sinks, browsers() as launch:
            page = await (await launch(UNMUTED)).new_page()
            async with j1.our_show(sinks, ["target"], directory) as show:
                ours.append(await watched(page, show, options.seconds))
    return report("preview", ours, {}, {})


async def watched(page: Page, show: j1.OurShow, seconds: float) -> Figures:
    host = show.broadcast.invitations[0]
    origin = host.whip_url.partition("/whip/")[0]
    endpoint = [f"{origin}/whep/{show.broadcast.show}/landscape", host.token]
    await page.goto(f"{origin}/healthz")
    first: list[float] = []
    for opening in range(OPENINGS):
        await asyncio.sleep(KEYFRAME_INTERVAL_S * opening / OPENINGS)
        first.append(await page.evaluate(OPEN, endpoint))
        await page.evaluate(CLOSE)
    without = await cpu_pct_core(show.pid, seconds)
    await page.evaluate(OPEN, endpoint)
    samples: list[Any] = await page.evaluate(SAMPLES, seconds)
    one = await cpu_pct_core(show.pid, seconds)
    for _ in range(VIEWERS - 1):
        await page.evaluate(OPEN, endpoint)
    several = await cpu_pct_core(show.pid, seconds)
    await page.evaluate(CLOSE)
    picture = [video + UNIX_TO_NTP_MS for video, _ in samples]
    sound = [audio + UNIX_TO_NTP_MS for _, audio in samples]
    skew = [abs(audio - video) for video, audio in samples]
    return {
        "first_picture_p50_ms": percentile(first, 50),
        "first_picture_max_ms": max(first),
        **{f"picture_behind_p{p}_ms": percentile(picture, p) for p in (50, 95, 99)},
        **{f"sound_behind_p{p}_ms": percentile(sound, p) for p in (50, 95, 99)},
        "skew_p95_ms": percentile(skew, 95),
        "first_viewer_pct_core": one - without,
        "each_more_viewer_pct_core": (several - one) / (VIEWERS - 1),
    }


if __name__ == "__main__":
    run(__doc__ or "", 10.0, measure)
