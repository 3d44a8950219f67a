"""Destinations that behave for a while."""

import ssl
from contextlib import AbstractAsyncContextManager

from mediaserver.rtmp.events import MediaReceived, PublishRequested
from mediaserver.rtmp.server import ServerSession
from tests.peers.tcp import SMALL_BUFFER, Kept, listener


class _Behaves(Kept):
    """Accepts a publisher, and after `messages` of media does what `misbehave` says."""

    def __init__(self, messages: int) -> None:
        super().__init__()
        self._session = ServerSession()
        self._left = messages

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        for event in self._session.receive(data):
            match event:
                case PublishRequested():
                    self._session.accept()
                case MediaReceived():
                    self._left -= 1
        self.transport.write(self._session.data_to_send())
        if self._left <= 0:
            self.misbehave()

    def misbehave(self) -> None:
        raise NotImplementedError


class _Stalls(_Behaves):
    def misbehave(self) -> None:
        assert self.transport is not None
        self.transport.pause_reading()


class _Closes(_Behaves):
    def misbehave(self) -> None:
        assert self.transport is not None
        self.transport.close()


class _Refuses(_Behaves):
    def __init__(self, messages: int, code: str, description: str) -> None:
        super().__init__(messages)
        self._words = code, description

    def misbehave(self) -> None:
        assert self.transport is not None
        self._session.reject(*self._words)
        self.transport.write(self._session.data_to_send())
        self.transport.pause_reading()


def rtmp_stall(
    messages: int, tls: ssl.SSLContext | None = None
) -> AbstractAsyncContextManager[str]:
    """The URL of one that stops reading after so many messages of media."""
    return listener(lambda: _Stalls(messages), SMALL_BUFFER, tls)


def rtmp_close_after(messages: int) -> AbstractAsyncContextManager[str]:
    """The URL of one that hangs up after so many messages of media."""
    return listener(lambda: _Closes(messages))


def rtmp_refuse_after(
    messages: int, code: str, description: str
) -> AbstractAsyncContextManager[str]:
    """The URL of one that refuses a publisher it has accepted, after so many messages of media."""
    return listener(lambda: _Refuses(messages, code, description))
