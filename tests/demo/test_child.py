"""Child processes: what they say is heard, and what became of them is told."""

from pathlib import Path

import pytest

from mediaserver.demo.child import Child, ChildFailed


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory whose modules a child can run."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


async def test_child_hears_and_answers_until_its_input_closes(modules: Path) -> None:
    modules.joinpath("echoing.py").write_text(
        "import sys\nfor line in sys.stdin:\n    print('heard', line, end='', flush=True)\n"
    )
    child = await Child.start("the echo", "echoing", log=modules / "log")
    await child.tell(b"this")
    assert await child.line(timeout_s=10) == b"heard this"
    assert child.running
    await child.stop()
    assert not child.running


async def test_child_that_ends_is_told_with_the_end_of_its_log(modules: Path) -> None:
    modules.joinpath("failing.py").write_text("raise SystemExit('no camera here')\n")
    child = await Child.start("the cameras' process", "failing", log=modules / "log")
    with pytest.raises(ChildFailed, match="the cameras' process ended\nno camera here"):
        await child.line(timeout_s=10)
    await child.stop()


async def test_child_that_ignores_its_input_is_ended_by_a_signal(modules: Path) -> None:
    modules.joinpath("deaf.py").write_text(
        "import signal\nprint('up', flush=True)\nsignal.pause()\n"
    )
    child = await Child.start("the server", "deaf", log=modules / "log")
    assert await child.line(timeout_s=10) == b"up"
    await child.stop(by_signal=True)
    assert not child.running
