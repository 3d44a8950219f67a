"""The transcribed shapes of tests/tiktok_shapes, and examples made of them."""

import json
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from sync.tiktok.reading import Spelled

SHAPES = Path(__file__).parents[2] / "tiktok_shapes"

_EXAMPLES: dict[str, Any] = {"string": "text", "digits": "7", "integer": 7, "boolean": True}


def calls() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(SHAPES.glob("*.json"))}


def webhooks() -> dict[str, dict[str, Any]]:
    found = sorted((SHAPES / "webhooks").glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in found}


def example(shape: Any) -> Any:
    """A value of that shape: each list with one item, each text the first that is named."""
    if isinstance(shape, dict):
        return {name: example(part) for name, part in shape.items()}
    if isinstance(shape, list):
        return [example(shape[0])]
    kind, _, values = shape.partition(" ")
    if kind == "string" and values:
        return values.split("|")[0]
    return int(values.split("|")[0]) if values else _EXAMPLES[kind]


def misfits(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """Where `value` has a field or a type that `shape` does not have."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{path} is no object"
            return
        for name, part in value.items():
            if name in shape:
                yield from misfits(part, shape[name], f"{path}.{name}")
            else:
                yield f"{path}.{name} is not known"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for part in value:
            yield from misfits(part, shape[0], f"{path}[]")
    else:
        kind, _, values = shape.partition(" ")
        if not isinstance(value, type(_EXAMPLES[kind])) or isinstance(value, bool) != (
            kind == "boolean"
        ):
            yield f"{path} is no {kind}"
        elif kind == "string" and values and value not in values.split("|"):
            yield f"{path} is {value!r}"


def fields(shape: Any, kind: Any) -> Iterator[tuple[str, bool]]:
    """Each field of the records of `kind`, such as Order.status, and whether `shape` has it."""
    parts = [part for part in get_args(kind) if part not in (type(None), ...)]
    if get_origin(kind) is Annotated:
        yield from fields(shape, parts[0])
    elif get_origin(kind) is tuple:
        yield from fields(shape[0] if isinstance(shape, list) else shape, parts[0])
    elif get_origin(kind) in (Union, types.UnionType):
        yield from fields(shape, parts[0])
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        for name, hint in get_type_hints(kind, include_extras=True).items():
            spelled = [name]
            for extra in getattr(hint, "__metadata__", ()):
                spelled += extra.names if isinstance(extra, Spelled) else ()
            there = [other for other in spelled if other in shape]
            yield f"{kind.__name__}.{name}", bool(there)
            if there:
                yield from fields(shape[there[0]], hint)


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode()


def lacks(value: Any, required: list[str]) -> list[str]:
    """The paths of `required`, such as skus[].price, that are not all there in `value`."""
    return [path for path in required if not _has(value, path.replace("[]", ".[]").split("."))]


def _has(value: Any, path: list[str]) -> bool:
    if not path:
        return True
    name, *rest = path
    if name == "[]":
        return bool(value) and all(_has(item, rest) for item in value)
    return name in value and _has(value[name], rest)
