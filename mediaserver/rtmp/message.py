"""RTMP messages: their types, and the bodies of the protocol's own ones.

Source: RTMP 1.0 (Adobe, 2012) §5.4, §6.2, §7.1.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from mediaserver.rtmp import amf0
from mediaserver.rtmp.errors import ProtocolError


class MessageType(IntEnum):
    """§5.4 and §7.1; the AMF3 variants carry AMF0 behind one byte in practice."""

    SET_CHUNK_SIZE = 1
    ABORT = 2
    ACKNOWLEDGEMENT = 3
    USER_CONTROL = 4
    WINDOW_ACKNOWLEDGEMENT_SIZE = 5
    SET_PEER_BANDWIDTH = 6
    AUDIO = 8
    VIDEO = 9
    DATA_AMF3 = 15
    COMMAND_AMF3 = 17
    DATA_AMF0 = 18
    COMMAND_AMF0 = 20


class UserControl(IntEnum):
    """Event types of a user control message (§7.1.7)."""

    STREAM_BEGIN = 0
    PING_REQUEST = 6
    PING_RESPONSE = 7


@dataclass(frozen=True, slots=True)
class Message:
    """One RTMP message; `timestamp` is in ms modulo 2**32, `payload` whole.

    `stream_id` is the message stream's; 0 is the connection itself.
    """

    type_id: int
    stream_id: int
    timestamp: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """A command (§7.2): its name, transaction, and the AMF0 values after them."""

    name: str
    transaction: float
    stream_id: int
    arguments: tuple[amf0.Value, ...]

    def text(self, index: int) -> str:
        """The argument at `index` if it is a string, else the empty string."""
        value = self.arguments[index] if index < len(self.arguments) else None
        return value if isinstance(value, str) else ""

    def members(self, index: int) -> dict[str, amf0.Value]:
        """The argument at `index` if it is an object, else an empty one."""
        value = self.arguments[index] if index < len(self.arguments) else None
        return value if isinstance(value, dict) else {}

    def number(self, index: int) -> float | None:
        """The argument at `index` if it is a number."""
        value = self.arguments[index] if index < len(self.arguments) else None
        return value if isinstance(value, float) else None


def command(name: str, transaction: float, *arguments: amf0.Value, stream_id: int = 0) -> Message:
    """A command as an AMF0 message."""
    payload = amf0.encode(name, transaction, *arguments)
    return Message(MessageType.COMMAND_AMF0, stream_id, 0, payload)


def parse_command(message: Message) -> Command:
    """Raises ProtocolError where the payload has no name.

    A missing transaction counts as 0: FFmpeg's server says onFCPublish without one.
    """
    match amf0.decode(amf0_payload(message)):
        case [str(name), float(transaction), *arguments]:
            return Command(name, transaction, message.stream_id, tuple(arguments))
        case [str(name)]:
            return Command(name, 0.0, message.stream_id, ())
    raise ProtocolError("a command without a name and a transaction number")


def amf0_payload(message: Message) -> bytes:
    """The AMF0 part of a command or data message; the AMF3 types put a byte before it."""
    if message.type_id in (MessageType.COMMAND_AMF3, MessageType.DATA_AMF3):
        return message.payload[1:]
    return message.payload


def set_chunk_size(size: int) -> Message:
    return _control(MessageType.SET_CHUNK_SIZE, struct.pack(">I", size))


def acknowledgement(received: int) -> Message:
    """`received` counts all bytes since the handshake, modulo 2**32 (§5.4.3)."""
    return _control(MessageType.ACKNOWLEDGEMENT, struct.pack(">I", received & 0xFFFFFFFF))


def window_acknowledgement_size(size: int) -> Message:
    return _control(MessageType.WINDOW_ACKNOWLEDGEMENT_SIZE, struct.pack(">I", size))


def set_peer_bandwidth(size: int) -> Message:
    """Of the limit type 2, dynamic (§5.4.5)."""
    return _control(MessageType.SET_PEER_BANDWIDTH, struct.pack(">IB", size, 2))


def user_control(event: UserControl, value: int) -> Message:
    return _control(MessageType.USER_CONTROL, struct.pack(">HI", event, value))


def parse_u32(message: Message) -> int:
    """The first four bytes, which are all that a protocol control message has or we need."""
    if len(message.payload) < 4:
        raise ProtocolError(f"a message of type {message.type_id} is cut short")
    return int.from_bytes(message.payload[:4])


def _control(type_id: MessageType, payload: bytes) -> Message:
    return Message(type_id, 0, 0, payload)
