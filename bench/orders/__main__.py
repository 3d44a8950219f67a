"""Orders: how many a second, how soon everybody knows, what a report of many costs, and what the
show on air notices of it."""

import argparse
import asyncio

from bench.orders import allocations, reports, selling
from bench.report import Report, report


async def measure(seconds: float, runs: int) -> Report:
    figures = [
        await allocations.measure() | await reports.measure() | await selling.measure(seconds)
        for _ in range(runs)
    ]
    return report("orders", figures, {}, {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--seconds", type=float, default=60.0, help="of 200 webhooks a second")
    parser.add_argument("--runs", type=int, default=1)
    arguments = parser.parse_args()
    measured = asyncio.run(measure(arguments.seconds, arguments.runs))
    print(measured.json() if arguments.json else measured.text())


if __name__ == "__main__":
    main()
