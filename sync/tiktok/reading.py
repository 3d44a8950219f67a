"""Reads TikTok's JSON into our records: tolerant of whatever it adds, renames or retypes.

Each record is a frozen msgspec Struct. A field with a default may be absent, null or of a type
that cannot be read: it then has its default. A field without one is what nothing can be done
without: an answer that lacks it raises Missing. Identifiers come as strings or integers, numbers
also as strings, whichever the record says is what it gets.
"""

import functools
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

T = TypeVar("T")

_ABSENT: Any = object()


class Missing(ValueError):
    """`path` is where something needed is missing, or cannot be read."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True, init=False)
class Spelled:
    """Other names under which TikTok sends a field, in Annotated: the first one there is read."""

    names: tuple[str, ...]

    def __init__(self, *names: str) -> None:
        object.__setattr__(self, "names", names)


@dataclass(frozen=True, slots=True, init=False)
class Known:
    """The values that a text is known to have, in Annotated: those of the attributes of a class.
    Others are kept, with a Note. `settled` gives other spellings of known ones."""

    values: frozenset[str]
    settled: tuple[tuple[str, str], ...]

    def __init__(self, names: type, settled: Mapping[str, str] = {}) -> None:
        values = {value for name, value in vars(names).items() if not name.startswith("_")}
        object.__setattr__(self, "values", frozenset(values))
        object.__setattr__(self, "settled", tuple(settled.items()))


@dataclass(frozen=True, slots=True)
class Note:
    """Something in an answer that our records do not know: `kind` is "unknown_field" for one that
    we do not read, "unknown_value" for a text that is new, "unreadable" for a value of a type that
    was not expected."""

    path: str
    kind: str


Read = Callable[[Any, str, "set[Note]"], Any]
"""Gives a value, or _ABSENT where it cannot be read."""


def read(kind: type[T], raw: Any, path: str = "data") -> tuple[T, set[Note]]:
    """`raw` (decoded JSON) as a `kind`, with what was odd about it. Raises Missing.

    Paths in notes name fields, not places in lists, so that they are few.
    """
    notes: set[Note] = set()
    reader: Read = _reader(kind)  # type: ignore[arg-type]  # a type is hashable
    value = reader(raw, path, notes)
    if value is _ABSENT:
        raise Missing(path)
    return value, notes


@functools.cache
def _reader(kind: Any) -> Read:
    origin = get_origin(kind)
    if origin is Annotated:
        return _reader(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        (inner,) = (part for part in get_args(kind) if part is not types.NoneType)
        return _reader(inner)
    if origin is tuple:
        return _list_reader(_reader(get_args(kind)[0]))
    plain = getattr(kind, "__supertype__", kind)  # a NewType is what it is made of
    if plain in _PLAIN:
        return _PLAIN[plain]
    if isinstance(plain, type) and issubclass(plain, msgspec.Struct):
        return _record_reader(kind)
    raise TypeError(f"records do not hold {kind}")


def _record_reader(kind: Any) -> Read:
    fields = list(_fields(kind))
    known = {name for _, names, _, _ in fields for name in names}

    def read_record(raw: Any, path: str, notes: set[Note]) -> Any:
        if not isinstance(raw, dict):
            return _ABSENT
        values = {}
        for name, names, reader, needed in fields:
            value = next((raw[spelled] for spelled in names if spelled in raw), None)
            if value is not None:
                readable = reader(value, f"{path}.{name}", notes)
                if readable is not _ABSENT:
                    values[name] = readable
                    continue
                notes.add(Note(f"{path}.{name}", "unreadable"))
            if needed:
                raise Missing(f"{path}.{name}")
        if not raw.keys() <= known:
            notes.update(Note(f"{path}.{name}", "unknown_field") for name in raw.keys() - known)
        return kind(**values)

    return read_record


def _fields(kind: Any) -> Iterator[tuple[str, tuple[str, ...], Read, bool]]:
    """Name, names in the JSON, reader and whether it is needed, for each field of a record."""
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        hint = hints[field.name]
        names: tuple[str, ...] = (field.encode_name,)
        known = None
        if get_origin(hint) is Annotated:
            for extra in hint.__metadata__:
                if isinstance(extra, Spelled):
                    names += extra.names
                elif isinstance(extra, Known):
                    known = extra
        reader = _reader(hint) if known is None else _known_reader(known)
        yield field.name, names, reader, field.required


def _list_reader(item: Read) -> Read:
    def read_list(raw: Any, path: str, notes: set[Note]) -> Any:
        each_path = f"{path}[]"
        # Where a list should be, TikTok sometimes sends its one item.
        items = raw if isinstance(raw, list) else [raw]
        values = tuple([item(each, each_path, notes) for each in items])
        return _ABSENT if any(value is _ABSENT for value in values) else values

    return read_list


def _known_reader(known: Known) -> Read:
    settled = dict(known.settled)

    def read_known(raw: Any, path: str, notes: set[Note]) -> Any:
        value = _text(raw, path, notes)
        if value is _ABSENT:
            return value
        value = settled.get(value, value)
        if value not in known.values:
            notes.add(Note(f"{path}={value[:_LONGEST_NOTED]}", "unknown_value"))
        return value

    return read_known


_LONGEST_NOTED = 60


def _text(raw: Any, _path: str, _notes: set[Note]) -> Any:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)
    return _ABSENT


def _number(raw: Any, _path: str, _notes: set[Note]) -> Any:
    if isinstance(raw, bool):
        return _ABSENT
    if isinstance(raw, int):
        return raw
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, str) and _DIGITS.fullmatch(raw):
        return int(raw)
    return _ABSENT


def _flag(raw: Any, _path: str, _notes: set[Note]) -> Any:
    return _FLAGS.get(raw, _ABSENT) if isinstance(raw, str | int) else _ABSENT


_DIGITS = re.compile("-?[0-9]{1,20}")
_FLAGS: dict[str | int, bool] = {1: True, 0: False, "true": True, "false": False}
_PLAIN: dict[Any, Read] = {str: _text, int: _number, bool: _flag}
