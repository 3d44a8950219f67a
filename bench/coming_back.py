"""How soon every target is live again: a server with a show on three targets is killed (kill -9)
and started again; seconds from the start of the process."""

import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from bench.report import Figures, Options, Report, report, run
from tests.control.test_coming_back import until_live
from tests.control.test_process import ServerProcess, client_of, serving, show_on_air
from tests.peers.rtmp_record import RtmpRecord

TARGETS = 3


async def measure(options: Options) -> Report:
    return report("coming_back", [await back() for _ in range(options.runs)], {}, {})


async def back() -> Figures:
    async with AsyncExitStack() as stack:
        data_dir = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        destination = await stack.enter_async_context(RtmpRecord())
        async with serving(data_dir) as server, client_of(server) as owner:
            path = await show_on_air(owner, *[destination.url] * TARGETS)
            for index in range(TARGETS):
                await (await destination.recording(index)).until_messages(30)
            server.process.kill()
            await server.process.wait()
        began_s = time.monotonic()
        again = await stack.enter_async_context(serving(data_dir))
        return await _times(again, destination, path, began_s)


async def _times(
    again: ServerProcess, destination: RtmpRecord, path: str, began_s: float
) -> Figures:
    async with client_of(again) as owner:
        answers_s = time.monotonic() - began_s
        await until_live(owner, path, targets=TARGETS)
        live_s = time.monotonic() - began_s
        for index in range(TARGETS, 2 * TARGETS):
            await (await destination.recording(index)).until_messages(1)
    return {"answers_s": answers_s, "all_targets_live_s": live_s}


if __name__ == "__main__":
    run(__doc__ or "", 0.0, measure)
