from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.errors import NotFound
from mediaserver.packet import CanvasId, ShowId
from mediaserver.recordings import Recordings

SHOW = ShowId("autumn")


def recordings(directory: Path) -> Recordings:
    return Recordings(directory, reserve_bytes=0, now=lambda: 0.0)


def test_a_show_that_was_never_recorded_has_no_files(tmp_path: Path) -> None:
    assert recordings(tmp_path).files(SHOW) == []


def test_files_of_recordings_are_listed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / SHOW).mkdir()
    for name in ("wide-16-9-20260202-024000-2.mp4", "portrait-20260202-024000.mp4", "notes.txt"):
        (tmp_path / SHOW / name).write_bytes(b"123")
    found = recordings(tmp_path).files(SHOW)
    assert [(file.name, file.canvas, file.size) for file in found] == [
        ("portrait-20260202-024000.mp4", CanvasId("portrait"), 3),
        ("wide-16-9-20260202-024000-2.mp4", CanvasId("wide-16-9"), 3),
    ]
    assert recordings(tmp_path).path(SHOW, found[0].name).read_bytes() == b"123"


def test_a_file_that_is_deleted_while_they_are_listed_is_left_out(tmp_path: Path) -> None:
    (tmp_path / SHOW).mkdir()
    (tmp_path / SHOW / "portrait-20260202-024000.mp4").symlink_to("not there any more")
    assert recordings(tmp_path).files(SHOW) == []


@given(st.text() | st.just("../secret-20260202-024000.mp4") | st.just("notes.txt"))
def test_a_name_that_is_no_recordings_finds_no_file(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    directory = tmp_path_factory.getbasetemp()
    (directory / SHOW).mkdir(exist_ok=True)
    (directory / "secret-20260202-024000.mp4").touch()
    (directory / SHOW / "notes.txt").touch()
    with pytest.raises(NotFound):
        recordings(directory).path(SHOW, name)
