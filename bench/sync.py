"""The shop's side: how fast a catalogue gets to TikTok, what it costs meanwhile,
and how soon everybody sees what may be sold."""

import argparse
import asyncio

from bench import badges, sidecar
from bench.report import Report, report


async def measure(products: int, runs: int) -> Report:
    figures = [await badges.measure() | await sidecar.measure(products) for _ in range(runs)]
    return report("sync", figures, {}, {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--products", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    measured = asyncio.run(measure(arguments.products, arguments.runs))
    print(measured.json() if arguments.json else measured.text())


if __name__ == "__main__":
    main()
