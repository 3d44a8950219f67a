"""The command line: `shopcast serve`, `shopcast demo`, `shopcast sandbox`."""

import argparse
import asyncio
import sys
from pathlib import Path

from mediaserver.allocator import keep_memory_together
from mediaserver.errors import ConfigError
from sync.errors import StoreUnavailable
from sync.sandbox import command as sandbox

EXIT_FAILED = 1
EXIT_CONFIG = 2


def main(arguments: list[str] | None = None) -> int:
    """Run a command; its exit code."""
    parser = argparse.ArgumentParser(
        prog="shopcast", description="A realtime media server for shops that sell live."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the server")
    serve.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings as TOML (docs/shopcast.example.toml); the environment wins",
    )
    demo = commands.add_parser("demo", help="put a show on air with nothing else installed")
    demo.add_argument(
        "--seconds", type=float, metavar="N", help="end after N seconds, with a summary"
    )
    sandbox.add_arguments(
        commands.add_parser("sandbox", help="TikTok Shop to develop against, on this machine")
    )
    chosen = parser.parse_args(arguments)
    if chosen.command == "sandbox":
        return sandbox.run(chosen)
    try:
        return _serve(chosen.config) if chosen.command == "serve" else _demo(chosen.seconds)
    except ConfigError as error:
        for fault in error.faults:
            print(f"shopcast: {fault}", file=sys.stderr)
        return EXIT_CONFIG
    except StoreUnavailable as error:
        print(f"shopcast: {error}", file=sys.stderr)
        return EXIT_FAILED


def _serve(config: Path | None) -> int:
    keep_memory_together()
    from mediaserver.app import log_to_stderr, serve
    from mediaserver.settings import read_settings

    settings = read_settings(config)
    log_to_stderr(settings.log.level)
    asyncio.run(serve(settings))
    return 0


def _demo(seconds: float | None) -> int:
    from mediaserver.demo.run import run

    return run(seconds)


if __name__ == "__main__":
    sys.exit(main())
