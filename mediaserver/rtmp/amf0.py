"""AMF0, the data format of RTMP's commands and metadata.

Source: Action Message Format, AMF 0 (Adobe, 2007); section numbers below are that document's.
"""

import struct
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import TypeAlias

from mediaserver.rtmp.errors import ProtocolError

Value: TypeAlias = "bool | float | str | dict[str, Value] | list[Value] | None"

MAX_DEPTH = 16
"""Objects within objects: real peers use two."""


MAX_SIZE = 16 << 10
"""Bytes decoded at once: commands and metadata take some hundred, and each byte can be a value."""


class _Marker(IntEnum):
    NUMBER = 0x00
    BOOLEAN = 0x01
    STRING = 0x02
    OBJECT = 0x03
    NULL = 0x05
    UNDEFINED = 0x06
    ECMA_ARRAY = 0x08
    OBJECT_END = 0x09
    STRICT_ARRAY = 0x0A
    DATE = 0x0B
    LONG_STRING = 0x0C
    UNSUPPORTED = 0x0D
    XML_DOCUMENT = 0x0F
    TYPED_OBJECT = 0x10


_DOUBLE = struct.Struct(">d")
_U16 = struct.Struct(">H")
_U32 = struct.Struct(">I")


class EcmaArray(dict[str, Value]):
    """A dict that is written as an ECMA array (§2.10), as players expect of onMetaData."""


def encode(*values: Value) -> bytes:
    """The values one after the other. Raises ValueError for a key over 65,535 bytes."""
    out = bytearray()
    for value in values:
        _write(out, value)
    return bytes(out)


def decode(data: bytes) -> list[Value]:
    """All values in `data`.

    Undefined and unsupported are None, a date is its milliseconds since 1970, XML is its text, a
    typed object is a dict. Raises ProtocolError for anything else, for what is cut short, and for
    more than MAX_SIZE.
    """
    if len(data) > MAX_SIZE:
        raise ProtocolError(f"AMF0 data of {len(data)} bytes")
    values = []
    offset = 0
    while offset < len(data):
        value, offset = _read(data, offset, MAX_DEPTH)
        values.append(value)
    return values


def _write(out: bytearray, value: Value) -> None:
    if value is None:
        out.append(_Marker.NULL)
    elif isinstance(value, bool):
        out += bytes((_Marker.BOOLEAN, value))
    elif isinstance(value, int | float):
        out.append(_Marker.NUMBER)
        out += _DOUBLE.pack(value)
    elif isinstance(value, str):
        text = value.encode()
        if len(text) > 0xFFFF:
            out.append(_Marker.LONG_STRING)
            out += _U32.pack(len(text))
        else:
            out.append(_Marker.STRING)
            out += _U16.pack(len(text))
        out += text
    elif isinstance(value, Mapping):
        if isinstance(value, EcmaArray):
            out.append(_Marker.ECMA_ARRAY)
            out += _U32.pack(len(value))
        else:
            out.append(_Marker.OBJECT)
        _write_members(out, value)
    else:
        _write_array(out, value)


def _write_members(out: bytearray, members: Mapping[str, Value]) -> None:
    for key, member in members.items():
        name = key.encode()
        if not 0 < len(name) <= 0xFFFF:
            raise ValueError("an AMF0 key has 1 to 65535 bytes")
        out += _U16.pack(len(name))
        out += name
        _write(out, member)
    out += bytes((0, 0, _Marker.OBJECT_END))


def _write_array(out: bytearray, items: Sequence[Value]) -> None:
    out.append(_Marker.STRICT_ARRAY)
    out += _U32.pack(len(items))
    for item in items:
        _write(out, item)


def _take(data: bytes, offset: int, size: int) -> tuple[bytes, int]:
    end = offset + size
    if end > len(data):
        raise ProtocolError("AMF0 data is cut short")
    return data[offset:end], end


def _read_text(data: bytes, offset: int, size: struct.Struct) -> tuple[str, int]:
    head, offset = _take(data, offset, size.size)
    text, offset = _take(data, offset, size.unpack(head)[0])
    return text.decode(errors="replace"), offset


def _read(data: bytes, offset: int, depth: int) -> tuple[Value, int]:
    if depth == 0:
        raise ProtocolError("AMF0 data is nested too deeply")
    marker, offset = _take(data, offset, 1)
    match marker[0]:
        case _Marker.NUMBER:
            raw, offset = _take(data, offset, 8)
            return float(_DOUBLE.unpack(raw)[0]), offset
        case _Marker.BOOLEAN:
            raw, offset = _take(data, offset, 1)
            return raw != b"\0", offset
        case _Marker.STRING:
            return _read_text(data, offset, _U16)
        case _Marker.LONG_STRING | _Marker.XML_DOCUMENT:
            return _read_text(data, offset, _U32)
        case _Marker.OBJECT:
            return _read_members(data, offset, depth, {})
        case _Marker.TYPED_OBJECT:  # the name of its class, then as an object
            _, offset = _read_text(data, offset, _U16)
            return _read_members(data, offset, depth, {})
        case _Marker.ECMA_ARRAY:  # its count is a hint only (§2.10)
            _, offset = _take(data, offset, 4)
            return _read_members(data, offset, depth, EcmaArray())
        case _Marker.STRICT_ARRAY:
            return _read_array(data, offset, depth)
        case _Marker.DATE:  # milliseconds, then a time zone to be ignored (§2.13)
            raw, offset = _take(data, offset, 10)
            return float(_DOUBLE.unpack(raw[:8])[0]), offset
        case _Marker.NULL | _Marker.UNDEFINED | _Marker.UNSUPPORTED:
            return None, offset
        case other:
            raise ProtocolError(f"AMF0 type {other:#04x} is not supported")


def _read_members(
    data: bytes, offset: int, depth: int, members: dict[str, Value]
) -> tuple[dict[str, Value], int]:
    while True:
        key, offset = _read_text(data, offset, _U16)
        if not key:
            end, offset = _take(data, offset, 1)
            if end[0] != _Marker.OBJECT_END:
                raise ProtocolError("AMF0 object has a member without a name")
            return members, offset
        members[key], offset = _read(data, offset, depth - 1)


def _read_array(data: bytes, offset: int, depth: int) -> tuple[list[Value], int]:
    head, offset = _take(data, offset, 4)
    count = _U32.unpack(head)[0]
    if count > len(data) - offset:  # every item takes a byte at least
        raise ProtocolError("AMF0 array is cut short")
    items = []
    for _ in range(count):
        item, offset = _read(data, offset, depth - 1)
        items.append(item)
    return items, offset
