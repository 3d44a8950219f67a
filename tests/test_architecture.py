"""Who may import whom (docs/architecture.md), read from the code itself."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "compositor": {"compositor"},
    "sync": {"sync"},
    "mediaserver": {"mediaserver", "compositor", "sync"},
}
OURS = {"compositor", "sync", "mediaserver", "web", "bench", "tests"}
WEBRTC_LIBRARIES = {"aiortc", "aioice", "pylibsrtp"}
IMPURE = {"asyncio", "threading", "socket", "time", "subprocess", "multiprocessing"}
"""datetime reckons with time zones; that nobody asks it for the time, test_purity holds."""


def imports(path: Path) -> Iterator[str]:
    """The full names of the modules that the file at `path` imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_only_those_below_them(package: str) -> None:
    for path in modules(package):
        of_ours = {name.split(".")[0] for name in imports(path)} & OURS
        assert of_ours <= MAY_IMPORT[package], path


def test_compositor_knows_no_socket_thread_or_clock() -> None:
    for path in modules("compositor"):
        impure = {name.split(".")[0] for name in imports(path)} & IMPURE
        assert not impure, path


def private_names(path: Path) -> set[str]:
    """Attributes with a leading underscore that `path` takes from anything but itself."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.endswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", "other"))
    }


def test_one_module_alone_touches_private_names_of_the_webrtc_libraries() -> None:
    touching = {
        path.relative_to(ROOT).as_posix()
        for path in modules("mediaserver")
        if any(name.split(".")[0] in WEBRTC_LIBRARIES for name in imports(path))
        and private_names(path)
    }

    assert touching == {"mediaserver/webrtc/transport.py"}


def test_few_modules_alone_speak_redis() -> None:
    users = {
        path.relative_to(ROOT).as_posix()
        for package in ("mediaserver", "sync")
        for path in modules(package)
        if any(name.split(".")[0] == "redis" for name in imports(path))
    }

    of_the_store = {user for user in users if user.startswith("sync/store/")}
    assert users - of_the_store == {
        "mediaserver/store.py",
        "mediaserver/redis_server.py",
        "sync/connection.py",
    }


def test_the_sandbox_and_the_client_are_two_readings_of_the_same_facts() -> None:
    sandbox = modules("sync/sandbox")
    others = set(modules("sync")) - set(sandbox)

    for path in sandbox:
        ours = {name for name in imports(path) if name.split(".")[0] in OURS}
        assert all(name.startswith("sync.sandbox") for name in ours), path
    for path in others:
        assert not any(name.startswith("sync.sandbox") for name in imports(path)), path
