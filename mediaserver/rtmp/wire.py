"""What both ends of RTMP share: handshake, chunks, acknowledgements and pings."""

from collections.abc import Iterator

from mediaserver.rtmp import message
from mediaserver.rtmp.chunk import CONTROL_CHUNK_STREAM, MAX_MESSAGE_SIZE, ChunkReader, ChunkWriter
from mediaserver.rtmp.handshake import Handshake
from mediaserver.rtmp.message import Message, MessageType, UserControl

COMMAND_CHUNK_STREAM = 3
AUDIO_CHUNK_STREAM = 4
VIDEO_CHUNK_STREAM = 6
"""Any above 2 will do; these are the ones that encoders use."""

CHUNK_SIZE = 1 << 16
"""Bytes: nearly every message in one chunk. Adobe's server takes no larger one."""


class Wire:
    """Turns bytes into messages and back; `data_to_send` is to be sent after every call."""

    def __init__(self, *, is_client: bool, max_message_size: int = MAX_MESSAGE_SIZE) -> None:
        self.handshake = Handshake(is_client=is_client)
        self.writer = ChunkWriter()
        self._reader = ChunkReader(max_message_size)
        self._outgoing = bytearray()
        self._received = 0
        self._acknowledged = 0
        self._window: int | None = None

    def data_to_send(self) -> bytes:
        """What is to be sent now; it is given out once."""
        data = self.handshake.to_send + bytes(self._outgoing)
        self.handshake.to_send = b""
        self._outgoing.clear()
        return data

    def allow(self, max_message_size: int) -> None:
        """Take messages of up to so many bytes from now on."""
        self._reader.max_message_size = max_message_size

    def send(self, outgoing: Message, chunk_stream: int = COMMAND_CHUNK_STREAM) -> None:
        self._outgoing += self.writer.write(chunk_stream, outgoing)

    def send_control(self, outgoing: Message) -> None:
        self.send(outgoing, CONTROL_CHUNK_STREAM)

    def announce_chunk_size(self) -> None:
        self._outgoing += self.writer.set_chunk_size(CHUNK_SIZE)

    def receive(self, data: bytes) -> Iterator[Message]:
        """Commands, data and media; the protocol's own messages are dealt with here.

        Raises ProtocolError.
        """
        if not self.handshake.complete:
            data = self.handshake.receive(data)
        self._received += len(data)
        for incoming in self._reader.receive(data):
            match incoming.type_id:
                case MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE:
                    self._window = message.parse_u32(incoming) or None
                case MessageType.SET_PEER_BANDWIDTH:
                    # The answer is our window (§5.4.5).
                    size = message.parse_u32(incoming)
                    self.send_control(message.window_acknowledgement_size(size))
                case MessageType.USER_CONTROL:
                    self._user_control(incoming)
                case MessageType.ACKNOWLEDGEMENT:
                    pass
                case _:
                    yield incoming
        if self._window is not None and self._received - self._acknowledged >= self._window:
            self._acknowledged = self._received
            self.send_control(message.acknowledgement(self._received))

    def _user_control(self, incoming: Message) -> None:
        payload = incoming.payload
        if payload[:2] == UserControl.PING_REQUEST.to_bytes(2) and len(payload) >= 6:
            stamp = int.from_bytes(payload[2:6])
            self.send_control(message.user_control(UserControl.PING_RESPONSE, stamp))
