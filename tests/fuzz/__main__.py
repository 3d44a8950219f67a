"""Fuzz every parser, or those that are named, each in a process of its own.

`python -m tests.fuzz [--inputs 100000] [NAME …]`; the exit code is how many of them failed.
"""

import argparse
import subprocess
import sys

from tests.fuzz.parsers import PARSERS

LONGEST_S = 3600


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PARSERS))
    arguments.add_argument("--inputs", type=int, default=100_000, help="for each parser")
    given = arguments.parse_args()
    if unknown := set(given.names) - PARSERS.keys():
        arguments.error(f"there is no parser {', '.join(sorted(unknown))}")
    failed = []
    for name in given.names or PARSERS:
        command = [sys.executable, "-m", "tests.fuzz.one", name, str(given.inputs)]
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST_S, check=False
        )
        stats = dict(
            line.removeprefix("stat::").split(":", 1)
            for line in ended.stderr.splitlines()
            if line.startswith("stat::")
        )
        ran = stats.get("number_of_executed_units", "?").strip()
        peak = stats.get("peak_rss_mb", "?").strip()
        print(f"{name}: {ran} inputs, peak {peak} MiB, exit code {ended.returncode}", flush=True)
        if ended.returncode:
            print(ended.stdout[-2000:], ended.stderr[-4000:], sep="\n")
            failed.append(name)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
