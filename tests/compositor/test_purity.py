import ast
from pathlib import Path

import compositor

ALLOWED = {
    "av",
    "collections",
    "compositor",
    "dataclasses",
    "datetime",
    "fontpkg",
    "fractions",
    "functools",
    "io",
    "itertools",
    "math",
    "numba",
    "numpy",
    "PIL",
    "re",
    "segno",
    "sys",
    "typing",
    "unicodedata",
    "zoneinfo",
}
"""No socket, thread, clock or asyncio, and nothing of the server."""


def imported(source: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_the_compositor_imports_nothing_but_arithmetic_and_pictures() -> None:
    sources = sorted(Path(compositor.__path__[0]).rglob("*.py"))
    assert len(sources) > 5
    for source in sources:
        assert imported(source.read_text()) <= ALLOWED, source.name


def test_the_compositor_never_asks_what_time_it_is() -> None:
    for source in Path(compositor.__path__[0]).rglob("*.py"):
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(source.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert not calls & {"now", "utcnow", "today"}, source.name
