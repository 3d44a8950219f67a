import ast
from pathlib import Path

import compositor

ALLOWED = {
    "av",
    "collections",
    "compositor",
    "dataclasses",
    "functools",
    "io",
    "math",
    "numba",
    "numpy",
    "PIL",
    "re",
    "sys",
    "typing",
    "unicodedata",
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
