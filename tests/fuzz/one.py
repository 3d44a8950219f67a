"""Fuzz one parser: `python -m tests.fuzz.one NAME INPUTS`. Exits with 0 when nothing was found.

A raised error, an input that takes over 10 s, and 64 MiB more memory than at the beginning each
end the run with the input that did it.
"""

import resource
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mediaserver", "sync"]):
    from tests.fuzz.parsers import PARSERS

HANG_S = 10
MEMORY_MIB = 64
LARGEST_INPUT_BYTES = 16 << 10


def main(name: str, inputs: int) -> None:
    parser = PARSERS[name]
    with tempfile.TemporaryDirectory() as directory:
        for number, seed in enumerate(parser.seeds):
            (Path(directory) / str(number)).write_bytes(seed)
        limit_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024 + MEMORY_MIB
        options = [
            f"-runs={inputs}",
            f"-timeout={HANG_S}",
            f"-rss_limit_mb={limit_mib}",
            f"-max_len={LARGEST_INPUT_BYTES}",
            "-print_final_stats=1",
            f"-artifact_prefix=fuzz-{name}-",
            directory,
        ]
        atheris.Setup([sys.argv[0], *options], parser.parse)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
