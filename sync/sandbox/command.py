"""The command line of the sandbox, as `shopcast sandbox` and as `python -m sync.sandbox`.

What it needs to run is imported when it runs: other commands of `shopcast` import this module.
"""

import argparse
import asyncio
import signal
import sys

DEFAULT_PORT = 8090
DEFAULT_REDIRECT_URL = "http://127.0.0.1:8080/oauth/tiktok/callback"

_EXIT_CONFIG = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="default %(default)s")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="default %(default)s")
    parser.add_argument(
        "--redirect-url",
        default=DEFAULT_REDIRECT_URL,
        metavar="URL",
        help="where sellers are sent after the consent page; default %(default)s",
    )
    parser.add_argument(
        "--requests-per-second",
        type=float,
        metavar="N",
        help="calls of all kinds allowed with each seller; default any number",
    )
    parser.add_argument(
        "--audit-seconds",
        type=float,
        default=5.0,
        metavar="S",
        help="how long an audit takes; default %(default)s",
    )
    parser.add_argument(
        "--hold-seconds",
        type=float,
        default=3600.0,
        metavar="S",
        help="how long a paid order is ON_HOLD; default %(default)s",
    )


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM; the exit code."""
    parser = argparse.ArgumentParser(
        prog="shopcast sandbox", description="TikTok Shop to develop against, on this machine."
    )
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def run(chosen: argparse.Namespace) -> int:
    rate = chosen.requests_per_second
    if rate is not None and not rate > 0:
        print("shopcast: --requests-per-second must be above 0", file=sys.stderr)
        return _EXIT_CONFIG
    try:
        asyncio.run(_serve(chosen))
    except OSError as error:
        print(
            f"shopcast: the sandbox cannot listen on {chosen.host}:{chosen.port}: {error.strerror}",
            file=sys.stderr,
        )
        return _EXIT_CONFIG
    return 0


async def _serve(chosen: argparse.Namespace) -> None:
    from sync.sandbox.server import Sandbox
    from sync.sandbox.world import SandboxSettings

    settings = SandboxSettings(
        host=chosen.host,
        port=chosen.port,
        redirect_url=chosen.redirect_url,
        requests_per_second=chosen.requests_per_second,
        audit_s=chosen.audit_seconds,
        hold_s=chosen.hold_seconds,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Sandbox(settings) as sandbox:
        print(f"TikTok Shop sandbox at {sandbox.url}, its control under {sandbox.url}/_control/")
        print("Sellers to connect: " + ", ".join(sandbox.world.sellers))
        print("Settings that make Shopcast use it:")
        for name, value in sandbox.environment().items():
            print(f"  export {name}={value}")
        sys.stdout.flush()
        await stop.wait()
