"""RTMP's handshake, either end: bytes in, bytes out.

The plain form of RTMP 1.0 §5.2. Peers that put digests into their random bytes (FFmpeg, Flash)
take it too, because our version field is zero.
"""

import os
from collections.abc import Callable

from mediaserver.rtmp.errors import ProtocolError

VERSION = 3
SIZE = 1536
"""Bytes of C1, C2, S1 and S2 (§5.2.3, §5.2.4)."""


class Handshake:
    """A client sends C0 and C1, answers S1 with C2, and is complete with S2.

    A server answers C0 and C1 with S0, S1 and S2, and is complete with C2. The echoes are not
    compared: servers that use digests send something else, and nothing depends on it.
    """

    def __init__(
        self, *, is_client: bool, random_bytes: Callable[[int], bytes] = os.urandom
    ) -> None:
        self.complete = False
        # Version, then time zero, version zero, random bytes.
        hello = bytes((VERSION,)) + bytes(8) + random_bytes(SIZE - 8)
        self.to_send = hello if is_client else b""
        self._before_echo = b"" if is_client else hello
        self._peer = "the server" if is_client else "the publisher"
        self._received = bytearray()
        self._answered = False

    def receive(self, data: bytes) -> bytes:
        """Take what came, adding to `to_send`; what follows the handshake is given back."""
        received = self._received
        received += data
        if received and received[0] != VERSION:
            raise ProtocolError(f"{self._peer} does not speak RTMP")
        if not self._answered and len(received) >= 1 + SIZE:
            self._answered = True
            self.to_send += self._before_echo + received[1 : 1 + SIZE]
        if len(received) < 1 + 2 * SIZE:
            return b""
        self.complete = True
        rest = bytes(received[1 + 2 * SIZE :])
        received.clear()
        return rest
