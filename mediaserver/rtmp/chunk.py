"""RTMP's chunk streams: messages cut into chunks, and put together again.

Source: RTMP 1.0 §5.3 (chunks) and §5.4 (what changes how they are read).
"""

import struct

from mediaserver.rtmp.errors import ProtocolError
from mediaserver.rtmp.message import Message, MessageType, parse_u32, set_chunk_size

DEFAULT_CHUNK_SIZE = 128
"""§5.4.1."""

EXTENDED = 0xFFFFFF
"""A timestamp field of this value says that four bytes of it follow (§5.3.1.3)."""

CONTROL_CHUNK_STREAM = 2
"""Protocol control messages travel here (§5.4)."""

MAX_MESSAGE_SIZE = 4 << 20
"""Bytes: a 4K keyframe fits several times over."""

MAX_CHUNK_STREAMS = 64
"""Of one peer; encoders use up to seven."""

_HEADER_SIZES = (11, 7, 3, 0)
_WORDS = struct.Struct(">III")


class ChunkWriter:
    """Cuts messages into chunks.

    Every message starts with a full header (type 0), which depends on nothing sent before: a
    message can be dropped without a trace, at a price of 4 to 11 bytes.
    """

    def __init__(self) -> None:
        self._chunk_size = DEFAULT_CHUNK_SIZE

    def set_chunk_size(self, size: int) -> bytes:
        """The message that announces `size` bytes a chunk from here on."""
        announcement = self.write(CONTROL_CHUNK_STREAM, set_chunk_size(size))
        self._chunk_size = size
        return announcement

    def write(self, chunk_stream: int, message: Message) -> bytes:
        """All chunks of one message; `chunk_stream` is 2 to 63."""
        payload = message.payload
        size = len(payload)
        timestamp = message.timestamp & 0xFFFFFFFF
        # The message stream's id alone is little endian (§5.3.1.2.5).
        stream_id = int.from_bytes(message.stream_id.to_bytes(4, "little"))
        lengths = size << 8 | message.type_id
        if timestamp < EXTENDED:
            header = _WORDS.pack(chunk_stream << 24 | timestamp, lengths, stream_id)
            extension = b""
        else:
            header = _WORDS.pack(chunk_stream << 24 | EXTENDED, lengths, stream_id)
            extension = timestamp.to_bytes(4)
        if size <= self._chunk_size:
            return b"".join((header, extension, payload))
        step = self._chunk_size
        parts = [header, extension, payload[:step]]
        continuation = bytes((0xC0 | chunk_stream,)) + extension
        for start in range(step, size, step):
            parts += (continuation, payload[start : start + step])
        return b"".join(parts)


class _ChunkStream:
    """What the next chunk of one chunk stream leans on, and its message so far."""

    __slots__ = ("body", "extended", "field", "length", "stream_id", "timestamp", "type_id")

    def __init__(self) -> None:
        self.timestamp = 0
        self.field = 0
        self.extended = False
        self.length = 0
        self.type_id = 0
        self.stream_id = 0
        self.body: bytearray | None = None


class ChunkReader:
    """Puts messages together from bytes that come in pieces of any size.

    Set Chunk Size and Abort are obeyed here and not given out. What is kept is bounded: a peer
    may start at most `MAX_CHUNK_STREAMS` streams and leave `max_message_size` unfinished.
    """

    def __init__(self, max_message_size: int = MAX_MESSAGE_SIZE) -> None:
        self.max_message_size = max_message_size
        self._chunk_size = DEFAULT_CHUNK_SIZE
        self._streams: dict[int, _ChunkStream] = {}
        self._buffer = bytearray()
        self._stream: _ChunkStream | None = None
        self._chunk_left = 0
        self._unfinished = 0

    def receive(self, data: bytes) -> list[Message]:
        """The messages that `data` completes. Raises ProtocolError; the reader is done then."""
        buffer = self._buffer
        buffer += data
        messages: list[Message] = []
        position = 0
        while True:
            if self._stream is None:
                end = self._read_header(position)
                if end is None:
                    break
                position = end
            stream = self._stream
            assert stream is not None
            assert stream.body is not None
            part = buffer[position : position + self._chunk_left]
            position += len(part)
            stream.body += part
            self._unfinished += len(part)
            self._chunk_left -= len(part)
            if self._unfinished > self.max_message_size:
                raise ProtocolError("too many unfinished messages at once")
            if self._chunk_left:
                break
            self._stream = None
            if len(stream.body) == stream.length:
                self._finish(stream, messages)
        del buffer[:position]
        return messages

    def _finish(self, stream: _ChunkStream, messages: list[Message]) -> None:
        assert stream.body is not None
        payload = bytes(stream.body)
        stream.body = None
        self._unfinished -= len(payload)
        message = Message(stream.type_id, stream.stream_id, stream.timestamp, payload)
        if message.type_id == MessageType.SET_CHUNK_SIZE:
            size = parse_u32(message)
            if not 0 < size < 1 << 31:
                raise ProtocolError(f"a chunk size of {size}")
            self._chunk_size = size
        elif message.type_id == MessageType.ABORT:
            aborted = self._streams.get(parse_u32(message))
            if aborted is not None and aborted.body is not None:
                self._unfinished -= len(aborted.body)
                aborted.body = None
        else:
            messages.append(message)

    def _read_header(self, position: int) -> int | None:
        """Read the chunk's header at `position`; its end, or None while it is incomplete."""
        buffer = self._buffer
        available = len(buffer) - position
        if not available:
            return None
        first = buffer[position]
        # Basic header of 1, 2 or 3 bytes (§5.3.1.1).
        chunk_stream = first & 0x3F
        start = position + 1
        if chunk_stream < 2:
            start += chunk_stream + 1
            if len(buffer) < start:
                return None
            chunk_stream = 64 + int.from_bytes(buffer[position + 1 : start], "little")
        kind = first >> 6
        stream = self._streams.get(chunk_stream)
        end = start + _HEADER_SIZES[kind]
        if len(buffer) < end:
            return None
        field = int.from_bytes(buffer[start : start + 3]) if kind < 3 else None
        extended = stream is not None and stream.extended if field is None else field == EXTENDED
        if extended:
            end += 4
            if len(buffer) < end:
                return None
            field = int.from_bytes(buffer[end - 4 : end]) if kind < 3 else None
        if stream is None:
            stream = self._open(chunk_stream, kind)
        if stream.body is not None:
            if kind != 3:
                raise ProtocolError("a message begins before the one before it has ended")
        else:
            self._begin(stream, kind, field, buffer[start : start + _HEADER_SIZES[kind]])
            stream.extended = extended
        assert stream.body is not None
        self._stream = stream
        self._chunk_left = min(self._chunk_size, stream.length - len(stream.body))
        return end

    def _open(self, chunk_stream: int, kind: int) -> _ChunkStream:
        # Types 1 to 3 lean on a chunk before them, but librtmp opens stream 2 with a type 1.
        if kind > 1:
            raise ProtocolError(f"chunk stream {chunk_stream} begins without a full header")
        if len(self._streams) >= MAX_CHUNK_STREAMS:
            raise ProtocolError("too many chunk streams")
        stream = self._streams[chunk_stream] = _ChunkStream()
        return stream

    def _begin(self, stream: _ChunkStream, kind: int, field: int | None, header: bytearray) -> None:
        """Start a message; `field` is its timestamp (type 0) or the distance from the last."""
        if field is not None:
            stream.field = field
        if kind < 2:
            stream.length = int.from_bytes(header[3:6])
            stream.type_id = header[6]
            if stream.length > self.max_message_size:
                raise ProtocolError(f"a message of {stream.length} bytes")
        if kind == 0:
            stream.stream_id = int.from_bytes(header[7:11], "little")
            stream.timestamp = stream.field
        else:
            # A type 3 after a type 0 repeats its timestamp as the distance (§5.3.1.2.4).
            stream.timestamp = (stream.timestamp + stream.field) & 0xFFFFFFFF
        stream.body = bytearray()
