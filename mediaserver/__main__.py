"""The command line: `shopcast serve`, `demo`, `sandbox`, `backup` and `restore`."""

import argparse
import asyncio
import sys
from pathlib import Path

from mediaserver.allocator import keep_memory_together
from mediaserver.errors import ConfigError, ShopcastError
from sync.errors import SyncError
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
    backup = commands.add_parser("backup", help="write all that is kept into a file")
    backup.add_argument("file", type=Path, metavar="FILE", help="made anew; may be none yet")
    backup.add_argument(
        "--without-keys",
        action="store_true",
        help="leave out the keys that open what is sealed, and the owner's token",
    )
    restore = commands.add_parser("restore", help="put a backup in the place of what is kept")
    restore.add_argument("file", type=Path, metavar="FILE")
    restore.add_argument(
        "--replace", action="store_true", help="also where there is a shop: it is lost"
    )
    restore.add_argument(
        "--without-keys",
        action="store_true",
        help="though nothing opens what is sealed in it any more",
    )
    for command in (serve, backup, restore):
        command.add_argument(
            "--config",
            type=Path,
            metavar="TOML",
            help="settings (docs/shopcast.example.toml); the environment wins",
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
        match chosen.command:
            case "serve":
                return _serve(chosen.config)
            case "demo":
                return _demo(chosen.seconds)
            case "backup":
                return _backup(chosen)
            case _:
                return _restore(chosen)
    except ConfigError as error:
        for fault in error.faults:
            print(f"shopcast: {fault}", file=sys.stderr)
        return EXIT_CONFIG
    except (ShopcastError, SyncError) as error:
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


def _backup(chosen: argparse.Namespace) -> int:
    from mediaserver.backup import backup
    from mediaserver.settings import read_settings

    settings = read_settings(chosen.config)
    made = asyncio.run(backup(settings, chosen.file, with_keys=not chosen.without_keys))
    print(
        f"{chosen.file}: {made.keys} keys of the store, {made.images} pictures, "
        f"{made.size / 1e6:.1f} MB; recordings are not in it"
    )
    if not chosen.without_keys:
        print("Whoever can read it has the shop's tokens and its buyers' data: keep it safe.")
    return 0


def _restore(chosen: argparse.Namespace) -> int:
    from mediaserver.backup import restore
    from mediaserver.settings import read_settings

    settings = read_settings(chosen.config)
    made = asyncio.run(
        restore(settings, chosen.file, replace=chosen.replace, without_keys=chosen.without_keys)
    )
    print(
        f"{chosen.file}: {made.keys} keys of the store and {made.images} pictures are back. "
        "The first sync begins with nothing for sale at TikTok."
    )
    return 0


def _demo(seconds: float | None) -> int:
    from mediaserver.demo.run import run

    return run(seconds)


if __name__ == "__main__":
    sys.exit(main())
