"""A destination that takes the connection and never says a word."""

from contextlib import AbstractAsyncContextManager

from tests.peers.tcp import Kept, listener


def rtmp_silent() -> AbstractAsyncContextManager[str]:
    """Its URL."""
    return listener(Kept)
