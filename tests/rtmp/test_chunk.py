from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.rtmp.chunk import MAX_CHUNK_STREAMS, ChunkReader, ChunkWriter
from mediaserver.rtmp.errors import ProtocolError
from mediaserver.rtmp.message import Message, MessageType, acknowledgement, set_chunk_size

U32 = st.integers(0, 0xFFFFFFFF)
TIMESTAMPS = U32 | st.sampled_from([0xFFFFFE, 0xFFFFFF, 0x1000000, 0xFFFFFFFF])
MEDIA_TYPES = st.sampled_from([MessageType.AUDIO, MessageType.VIDEO, MessageType.DATA_AMF0])
MESSAGES = st.builds(Message, MEDIA_TYPES, U32, TIMESTAMPS, st.binary(max_size=700))
FEW_CHUNKS = st.builds(Message, MEDIA_TYPES, st.integers(0, 1), TIMESTAMPS, st.binary(max_size=30))
CHUNK_SIZES = st.integers(1, 300)


def pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """`data` cut into pieces of those sizes, over and over."""
    start, index = 0, 0
    while start < len(data):
        size = sizes[index % len(sizes)]
        yield data[start : start + size]
        start, index = start + size, index + 1


def read(data: bytes, sizes: list[int] | None = None) -> list[Message]:
    reader = ChunkReader()
    return [m for piece in pieces(data, sizes or [len(data)]) for m in reader.receive(piece)]


@given(
    st.lists(st.tuples(st.integers(3, 63), MESSAGES), max_size=6),
    CHUNK_SIZES,
    st.lists(st.integers(1, 400), min_size=1, max_size=5),
)
def test_messages_survive_any_chunk_size_and_any_cut(
    sent: list[tuple[int, Message]], chunk_size: int, cuts: list[int]
) -> None:
    writer = ChunkWriter()
    data = writer.set_chunk_size(chunk_size)
    data += b"".join(writer.write(chunk_stream, message) for chunk_stream, message in sent)
    assert read(data, cuts) == [message for _, message in sent]


@dataclass
class Sender:
    """Another way to write chunks: of every type of header, streams interleaved at will."""

    chunk_size: int = 128
    _previous: dict[int, tuple[Message, int | None]] = field(default_factory=dict)

    def chunks(self, chunk_stream: int, message: Message, smallest: bool) -> list[bytes]:
        """The message's chunks; with the smallest header that will do if `smallest`."""
        known = self._previous.get(chunk_stream)
        header, field_value = self._header(known, message) if smallest and known else (None, 0)
        if header is None:
            kind, field_value = 0, message.timestamp
            lengths = len(message.payload).to_bytes(3) + bytes((message.type_id,))
            tail = lengths + message.stream_id.to_bytes(4, "little")
        else:
            kind, tail = header
        self._previous[chunk_stream] = (message, field_value)
        extension = field_value.to_bytes(4) if field_value >= 0xFFFFFF else b""
        head = min(field_value, 0xFFFFFF).to_bytes(3) + tail if kind < 3 else b""
        payload = message.payload
        parts = [
            payload[start : start + self.chunk_size]
            for start in range(0, len(payload), self.chunk_size)
        ] or [b""]
        first = self._basic(kind, chunk_stream) + head + extension + parts[0]
        return [first, *(self._basic(3, chunk_stream) + extension + part for part in parts[1:])]

    @staticmethod
    def _header(
        known: tuple[Message, int | None], message: Message
    ) -> tuple[tuple[int, bytes] | None, int]:
        previous, field_value = known
        delta = (message.timestamp - previous.timestamp) & 0xFFFFFFFF
        if previous.stream_id != message.stream_id:
            return None, 0
        same_shape = (len(previous.payload), previous.type_id) == (
            len(message.payload),
            message.type_id,
        )
        if same_shape and delta == field_value:
            return (3, b""), delta
        if same_shape:
            return (2, b""), delta
        return (1, len(message.payload).to_bytes(3) + bytes((message.type_id,))), delta

    @staticmethod
    def _basic(kind: int, chunk_stream: int) -> bytes:
        if chunk_stream < 64:
            return bytes((kind << 6 | chunk_stream,))
        if chunk_stream < 320:
            return bytes((kind << 6, chunk_stream - 64))
        return bytes((kind << 6 | 1,)) + (chunk_stream - 64).to_bytes(2, "little")


CHUNK_STREAMS = st.sampled_from([3, 4, 63, 64, 319, 320, 65_599])


@given(st.data(), st.integers(5, 40), st.lists(st.integers(1, 50), min_size=1, max_size=5))
def test_all_header_types_and_interleaved_streams_are_read(
    data: st.DataObject, chunk_size: int, cuts: list[int]
) -> None:
    sender = Sender()
    wire = b"".join(sender.chunks(2, set_chunk_size(chunk_size), smallest=False))
    sender.chunk_size = chunk_size
    sent = data.draw(
        st.dictionaries(
            CHUNK_STREAMS,
            st.lists(st.tuples(FEW_CHUNKS, st.booleans()), min_size=1, max_size=4),
            max_size=3,
        )
    )
    streams = {
        chunk_stream: [
            (message, chunks)
            for message, smallest in messages
            if (chunks := sender.chunks(chunk_stream, message, smallest))
        ]
        for chunk_stream, messages in sent.items()
    }
    expected = []
    while streams:
        chosen = data.draw(st.sampled_from(sorted(streams)))
        message, chunks = streams[chosen][0]
        wire += chunks.pop(0)
        if not chunks:
            expected.append(message)
            streams[chosen].pop(0)
        if not streams[chosen]:
            del streams[chosen]
    assert read(wire, cuts) == expected


@given(st.binary(max_size=500))
def test_hostile_bytes_raise_nothing_but_protocol_error(data: bytes) -> None:
    with suppress(ProtocolError):
        read(data, [7])


def test_one_byte_at_a_time_gives_the_specification_s_first_example() -> None:
    # RTMP 1.0 §5.3.2.1: four audio messages of 32 bytes, 20 ms apart.
    body = bytes(32)
    wire = bytes.fromhex("03 0003e8 000020 08 39300000") + body
    wire += bytes.fromhex("83 000014") + body
    wire += bytes.fromhex("c3") + body
    wire += bytes.fromhex("c3") + body
    assert read(wire, [1]) == [
        Message(MessageType.AUDIO, 12345, timestamp, body) for timestamp in (1000, 1020, 1040, 1060)
    ]


def test_a_long_message_is_written_as_in_the_specification_s_second_example() -> None:
    # RTMP 1.0 §5.3.2.2: a video message of 307 bytes in chunks of 128.
    body = bytes(range(256)) + bytes(51)
    message = Message(MessageType.VIDEO, 12346, 1000, body)
    assert ChunkWriter().write(4, message) == (
        bytes.fromhex("04 0003e8 000133 09 3a300000")
        + body[:128]
        + b"\xc4"
        + body[128:256]
        + b"\xc4"
        + body[256:]
    )


def test_an_extended_timestamp_is_repeated_in_every_chunk() -> None:
    message = Message(MessageType.AUDIO, 1, 0x01000000, bytes(130))
    assert ChunkWriter().write(3, message) == (
        bytes.fromhex("03 ffffff 000082 08 01000000 01000000")
        + bytes(128)
        + bytes.fromhex("c3 01000000 0000")
    )


def test_librtmp_may_open_a_stream_with_a_header_that_lacks_the_stream_id() -> None:
    wire = bytes.fromhex("42 000000 000004 03 00000001")
    assert read(wire) == [acknowledgement(1)]


def test_an_aborted_message_is_forgotten() -> None:
    begun = ChunkWriter().write(3, Message(MessageType.VIDEO, 1, 0, bytes(300)))[: 12 + 128]
    abort = ChunkWriter().write(2, Message(MessageType.ABORT, 0, 0, (3).to_bytes(4)))
    whole = Message(MessageType.VIDEO, 1, 40, b"whole")
    assert read(begun + abort + ChunkWriter().write(3, whole)) == [whole]


def header(chunk_stream: int, length: int) -> bytes:
    return bytes((chunk_stream, 0, 0, 0)) + length.to_bytes(3) + bytes((9, 1, 0, 0, 0))


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (header(3, 0xFFFFFF), "a message of 16777215 bytes"),
        (bytes((0xC3,)), "chunk stream 3 begins without a full header"),
        (header(3, 300) + bytes(128) + header(3, 300), "before the one before it has ended"),
        (ChunkWriter().write(2, set_chunk_size(0)), "a chunk size of 0"),
        (ChunkWriter().write(2, set_chunk_size(1 << 31)), "a chunk size of 2147483648"),
        (ChunkWriter().write(2, Message(1, 0, 0, b"\0")), "cut short"),
        (
            b"".join(
                bytes((0, stream)) + header(3, 200)[1:] + bytes(128)
                for stream in range(MAX_CHUNK_STREAMS + 1)
            ),
            "too many chunk streams",
        ),
        (
            ChunkWriter().write(2, set_chunk_size(3 << 20))
            + b"".join(header(stream, (3 << 20) + 1) + bytes(3 << 20) for stream in (3, 4)),
            "too many unfinished messages",
        ),
    ],
)
def test_what_breaks_the_rules_or_the_limits_is_refused(wire: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        read(wire)
