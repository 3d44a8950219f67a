"""Product files: how long 10,000 rows take into the catalogue, once and again, and out of it, and
how late the event loop is meanwhile."""

import argparse
import asyncio
import gc
import tempfile
import time
from pathlib import Path

import aiohttp
import psutil

from bench.report import Figures, Report, report
from mediaserver.app import running
from mediaserver.loop_lag import LoopLag
from mediaserver.settings import HttpSettings, RtmpSettings, Settings, StoreSettings
from tests.api.client import Client

ROWS = 10_000
WITHIN_S = 300.0
ASKED_EVERY_S = 0.1

HEADINGS = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,"
    "Variant Grams,Variant Inventory Qty,Variant Price,Image Src,Image Position,Status"
)


async def measure() -> Figures:
    data = _file(ROWS)
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(
            http=HttpSettings(port=0),
            rtmp=RtmpSettings(port=0),
            store=StoreSettings(data_dir=Path(directory)),
        )
        async with running(settings) as server, aiohttp.ClientSession() as http:
            owner = Client(http, server.base_url, server.owner_token.reveal())
            gc.collect()
            gc.freeze()  # as a server that is run does
            process = psutil.Process()
            before = process.memory_info().rss
            lag = LoopLag()
            first_s = await _import_s(owner, data, ROWS)
            p99_s, most_s = lag.quantiles(0.99, 1.0)
            lag.stop()
            grown = process.memory_info().rss - before
            again_s = await _import_s(owner, data, 0)
            began_s = time.perf_counter()
            answer = await owner.call("GET", "/api/v1/products/export")
            export_s = time.perf_counter() - began_s
            assert answer.body.count(b"\r\n") == ROWS + 1
            return {
                "import_10000_rows_s": first_s,
                "import_again_s": again_s,
                "export_s": export_s,
                "loop_lag_p99_ms": 1000 * p99_s,
                "loop_lag_max_ms": 1000 * most_s,
                "rss_added_mib": grown / (1 << 20),
            }


async def _import_s(owner: Client, data: bytes, changed: int) -> float:
    """From the first byte of the file until its import has ended."""
    began_s = time.perf_counter()
    answer = await owner.call(
        "POST",
        "/api/v1/products/import?currency=USD",
        data=data,
        headers={"Content-Type": "text/csv"},
    )
    async with asyncio.timeout(WITHIN_S):
        while True:
            record = await owner.get(answer.headers["Location"])
            if record["state"] != "running":
                break
            await asyncio.sleep(ASKED_EVERY_S)
    took_s = time.perf_counter() - began_s
    assert record["fault_count"] == 0, record["faults"]
    assert record["products"]["created"] + record["products"]["changed"] == changed
    return took_s


def _file(rows: int) -> bytes:
    """A product a row, as shops have them: some text, a few tags, a picture that is nowhere."""
    text = "Words about what it is and what it does. " * 10
    lines = [
        f'mug-{number},Mug {number},<p>{text}</p>,Acme,Mugs,"blue, new, gift",true,Size,S,'
        f"MUG-{number},250,5,12.50,http://127.0.0.1/{number}.jpg,1,active"
        for number in range(rows)
    ]
    return "\n".join([HEADINGS, *lines]).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    measured = asyncio.run(_measured(arguments.runs))
    print(measured.json() if arguments.json else measured.text())


async def _measured(runs: int) -> Report:
    return report("imports", [await measure() for _ in range(runs)], {}, {})


if __name__ == "__main__":
    main()
