"""The sandbox and the client are two readings of the same facts: they share no line."""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3] / "sync" / "sandbox"
ALLOWED = {"aiohttp", "msgspec", "PIL"}


def test_the_sandbox_imports_nothing_of_ours_but_itself() -> None:
    imported = set()
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")

    foreign = {
        name
        for name in imported
        if not name.startswith("sync.sandbox")
        and name.split(".")[0] not in ALLOWED | set(sys.stdlib_module_names)
    }
    assert foreign == set()
