"""The shape that every benchmark's figures are printed in."""

import argparse
import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from statistics import median

import msgspec

from bench.machine import machine, versions

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Report:
    """Figures with their units in their names: the medians of `each` run, and the peers' beside."""

    bench: str
    machine: dict[str, str | int]
    versions: dict[str, str]
    runs: int
    figures: Figures
    peers: dict[str, Figures]
    each: list[dict[str, float]]

    def json(self) -> str:
        return msgspec.json.encode(asdict(self)).decode()

    def text(self) -> str:
        lines = [self.bench]
        lines += [f"  {name}: {value}" for name, value in (self.machine | self.versions).items()]
        lines.append(f"  n = {self.runs} runs, medians")
        names = dict.fromkeys([*self.figures, *(name for p in self.peers.values() for name in p)])
        columns = {"ours": self.figures, **self.peers}
        width = max(map(len, names))
        lines.append("  " + " " * width + "".join(f"{column:>12}" for column in columns))
        for name in names:
            cells = [figures.get(name) for figures in columns.values()]
            row = "".join(f"{'' if cell is None else f'{cell:.2f}':>12}" for cell in cells)
            lines.append(f"  {name:<{width}}{row}")
        for number, run in enumerate(self.each, start=1):
            values = ", ".join(f"{name} {value:.2f}" for name, value in run.items())
            lines.append(f"  run {number}: {values}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Options:
    """Seconds measured in each run, and how many runs."""

    seconds: float
    runs: int


def report(
    bench: str, ours: Sequence[Figures], peers: dict[str, Sequence[Figures]], extra: Figures
) -> Report:
    """The medians over the runs of ours and of each peer; `extra` are figures made of both."""
    each = [
        {
            **run,
            **{
                f"{peer} {name}": value
                for peer, of in peers.items()
                for name, value in of[number].items()
            },
        }
        for number, run in enumerate(ours)
    ]
    return Report(
        bench,
        machine(),
        versions(),
        len(ours),
        {**medians(ours), **extra},
        {peer: medians(runs) for peer, runs in peers.items()},
        each,
    )


def medians(runs: Sequence[Figures]) -> Figures:
    return {name: median(run[name] for run in runs) for name in runs[0]}


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank: the smallest value that `percent` of all do not exceed.

    Raises ValueError of an empty sequence.
    """
    if not values:
        raise ValueError("no values")
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(0, int(rank) - 1)]


def run(
    description: str, seconds: float, measure: Callable[[Options], Coroutine[None, None, Report]]
) -> None:
    """A benchmark as a program: measure as its arguments say and print the report."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--seconds", type=float, default=seconds, help="measured in each run")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    measured = asyncio.run(measure(Options(arguments.seconds, arguments.runs)))
    print(measured.json() if arguments.json else measured.text())
