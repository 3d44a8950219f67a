"""Redis's own format of a snapshot: its entries found, and each made what RESTORE takes.

Values are not looked into, only passed over: what an entry holds stays as Redis wrote it. Pure.
Source: rdb.c of Redis 6.2, 7.0, 7.4 and 8.0, and of Valkey 8.0.
"""

import mmap
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from compositor.compiled import compiled

Bytes = bytes | mmap.mmap | memoryview

MAGIC: Final = b"REDIS"

_AUX, _RESIZE, _MS, _SECONDS, _DATABASE, _END = 0xFA, 0xFB, 0xFC, 0xFD, 0xFE, 0xFF
_IDLE, _FREQUENCY, _MODULE_AUX, _FUNCTION, _SLOT = 0xF8, 0xF9, 0xF7, 0xF5, 0xF4

_STRINGS = {0, 9, 10, 11, 12, 13, 16, 17, 20}
"""Types whose value is one string: plain, and the packed ones."""
_STRING_LISTS = {1: 1, 2: 1, 4: 2, 14: 1}
"""Types that are a number of strings: how many for each."""
_STREAMS = {15: 1, 19: 2, 21: 3}

_PLAIN, _ENCODED = 0, 3
_LZF = 3


class Damaged(Exception):
    """These bytes are no snapshot, or one with something in it that this version does not know."""


class Entry(NamedTuple):
    """A key of database `db`; `expires_at` is in unix milliseconds. `value` is as in the file."""

    db: int
    key: bytes
    expires_at: int | None
    kind: int
    value: bytes


def version_of(data: Bytes) -> int:
    """Of the format. Raises Damaged."""
    head = bytes(data[:9])
    if len(head) < 9 or not head.startswith(MAGIC) or not head[5:].isdigit():
        raise Damaged("it does not begin as a snapshot of Redis")
    return int(head[5:])


def entries(data: Bytes) -> Iterator[Entry]:
    """All there are, in their order. Raises Damaged."""
    version_of(data)
    reader = _Reader(data, 9)
    try:
        yield from _entries(reader)
    except IndexError:
        raise Damaged("the snapshot of Redis ends early") from None


def dumped(entry: Entry, version: int) -> bytes:
    """As DUMP of a Redis whose snapshots are of `version` gives it, and RESTORE takes it."""
    body = bytearray((entry.kind,)) + entry.value + version.to_bytes(2, "little")
    checksum = _crc64(np.frombuffer(body, np.uint8), _TABLE)
    return bytes(body) + int(checksum).to_bytes(8, "little")


def header(version: int) -> bytes:
    return MAGIC + b"%04d" % version + bytes((_DATABASE, 0))


def written(entry: Entry) -> bytes:
    """What a snapshot has of `entry`, whatever its database."""
    expiry = b"" if entry.expires_at is None else b"\xfc" + entry.expires_at.to_bytes(8, "little")
    size = b"\x80" + len(entry.key).to_bytes(4, "big")
    return expiry + bytes((entry.kind,)) + size + entry.key + entry.value


TRAILER: Final = bytes((_END,)) + bytes(8)
"""A checksum of 0 is none (rdb.c): whoever keeps a snapshot of ours has one of their own."""


def _entries(reader: "_Reader") -> Iterator[Entry]:
    db, expires_at = 0, None
    while (code := reader.byte()) != _END:
        match code:
            case 0xFA:
                reader.skip_strings(2)
            case 0xFB:
                reader.length()
                reader.length()
            case 0xFC:
                expires_at = int.from_bytes(reader.take(8), "little", signed=True)
            case 0xFD:
                expires_at = 1000 * int.from_bytes(reader.take(4), "little", signed=True)
            case 0xFE:
                db = reader.length()
            case 0xF8:
                reader.length()
            case 0xF9:
                reader.take(1)
            case 0xF5:
                reader.skip_strings(1)
            case 0xF4:
                for _ in range(3):
                    reader.length()
            case 0xF7:
                reader.length()
                reader.length()
                reader.length()
                reader.skip_module()
            case _:
                key = reader.string()
                begins = reader.at
                reader.skip_value(code)
                yield Entry(db, key, expires_at, code, reader.since(begins))
                expires_at = None


class _Reader:
    """Raises IndexError where the data end."""

    def __init__(self, data: Bytes, at: int) -> None:
        self._data = data
        self._size = len(data)
        self.at = at

    def byte(self) -> int:
        value: int = self._data[self.at]
        self.at += 1
        return value

    def take(self, size: int) -> bytes:
        begins = self.at
        self.pass_over(size)
        return bytes(self._data[begins : self.at])

    def since(self, begins: int) -> bytes:
        return bytes(self._data[begins : self.at])

    def pass_over(self, size: int) -> None:
        self.at += size
        if self.at > self._size:
            raise IndexError

    def length(self) -> int:
        kind, length = self._length()
        if kind == _ENCODED:
            raise Damaged(f"there is no length at byte {self.at}")
        return length

    def string(self) -> bytes:
        kind, length = self._length()
        if kind == _PLAIN:
            return self.take(length)
        if length == _LZF:
            packed, size = self.length(), self.length()
            return _unpacked(self.take(packed), size)
        return str(int.from_bytes(self.take(_integer_size(length)), "little", signed=True)).encode()

    def skip_strings(self, count: int) -> None:
        for _ in range(count):
            kind, length = self._length()
            if kind == _PLAIN:
                self.pass_over(length)
            elif length == _LZF:
                packed = self.length()
                self.length()
                self.pass_over(packed)
            else:
                self.pass_over(_integer_size(length))

    def skip_value(self, kind: int) -> None:
        if kind in _STRINGS:
            self.skip_strings(1)
        elif kind in _STRING_LISTS:
            self.skip_strings(self.length() * _STRING_LISTS[kind])
        elif kind in _STREAMS:
            self._skip_stream(_STREAMS[kind])
        else:
            self._skip_rarer(kind)

    def skip_module(self) -> None:
        """Values of a module, each after what it is (module 2)."""
        while what := self.length():
            match what:
                case 1 | 2:
                    self.length()
                case 3:
                    self.pass_over(4)
                case 4:
                    self.pass_over(8)
                case 5:
                    self.skip_strings(1)
                case _:
                    raise Damaged(f"a module's value of an unknown kind {what}")

    def _skip_rarer(self, kind: int) -> None:
        match kind:
            case 3:
                for _ in range(self.length()):
                    self.skip_strings(1)
                    size = self.byte()
                    self.pass_over(size if size < 253 else 0)
            case 5:
                for _ in range(self.length()):
                    self.skip_strings(1)
                    self.pass_over(8)
            case 7:
                self.length()
                self.skip_module()
            case 18:
                for _ in range(self.length()):
                    self.length()
                    self.skip_strings(1)
            case 24:
                self.pass_over(8)
                for _ in range(self.length()):
                    self.length()
                    self.skip_strings(2)
            case 25:
                self.pass_over(8)
                self.skip_strings(1)
            case _:
                raise Damaged(f"a value of type {kind}, which this version does not know")

    def _skip_stream(self, version: int) -> None:
        self.skip_strings(2 * self.length())
        for _ in range(3 if version == 1 else 8):
            self.length()
        for _ in range(self.length()):
            self.skip_strings(1)
            for _ in range(2 if version == 1 else 3):
                self.length()
            for _ in range(self.length()):
                self.pass_over(24)
                self.length()
            for _ in range(self.length()):
                self.skip_strings(1)
                self.pass_over(16 if version == 3 else 8)
                self.pass_over(16 * self.length())

    def _length(self) -> tuple[int, int]:
        """What the number is of, and the number."""
        first = self.byte()
        match first >> 6:
            case 0:
                return _PLAIN, first & 0x3F
            case 1:
                return _PLAIN, (first & 0x3F) << 8 | self.byte()
            case 2:
                if first == 0x80:
                    return _PLAIN, int.from_bytes(self.take(4), "big")
                if first == 0x81:
                    return _PLAIN, int.from_bytes(self.take(8), "big")
                raise Damaged(f"there is no length at byte {self.at}")
            case _:
                return _ENCODED, first & 0x3F


def _integer_size(code: int) -> int:
    if code > 2:
        raise Damaged(f"a string of the unknown encoding {code}")
    return 1 << code


def _unpacked(packed: bytes, size: int) -> bytes:
    """LZF undone (lzf_d.c of liblzf): a byte below 32 is so many more literals, any other one
    begins a repetition of what came before. Raises Damaged."""
    out = bytearray()
    at = 0
    while at < len(packed):
        control = packed[at]
        at += 1
        if control < 32:
            out += packed[at : at + control + 1]
            at += control + 1
            continue
        count = control >> 5
        if count == 7:
            count += packed[at]
            at += 1
        begins = len(out) - ((control & 0x1F) << 8 | packed[at]) - 1
        at += 1
        if begins < 0:
            raise Damaged("a compressed key cannot be read")
        for index in range(begins, begins + count + 2):
            out.append(out[index])
    if len(out) != size:
        raise Damaged("a compressed key cannot be read")
    return bytes(out)


def _table() -> NDArray[np.uint64]:
    """CRC-64 of Jones, each byte's, reflected (crc64.c)."""
    found = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x95AC9329AC4BC9B5 if value & 1 else 0)
        found.append(value)
    return np.array(found, np.uint64)


_TABLE = _table()


@compiled("u8(u1[::1], u8[::1])")
def _crc64(data: NDArray[np.uint8], table: NDArray[np.uint64]) -> Any:
    crc = np.uint64(0)
    for byte in data:
        crc = table[(crc ^ np.uint64(byte)) & np.uint64(0xFF)] ^ (crc >> np.uint64(8))
    return crc
