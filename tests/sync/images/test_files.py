import hashlib
import os
import stat
from pathlib import Path

import pytest

from sync.images.files import ImageFiles, NoRoom


@pytest.fixture
def files(tmp_path: Path) -> ImageFiles:
    return ImageFiles(tmp_path / "images", reserve_bytes=0)


def files_below(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


async def test_what_was_written_is_read_by_its_digest(files: ImageFiles, tmp_path: Path) -> None:
    named = [await files.write(b"picture"), await files.write(b"picture")]

    assert named == [hashlib.sha256(b"picture").hexdigest()] * 2
    assert await files.read(named[0]) == b"picture"
    written = files_below(tmp_path)
    assert [path.name for path in written] == named[:1]
    assert stat.S_IMODE(written[0].stat().st_mode) & 0o077 == 0


async def test_what_was_never_written_is_not_there(files: ImageFiles) -> None:
    named = await files.write(b"picture")

    assert await files.read("0" * 64) is None
    assert await files.which([named, "0" * 64]) == {named}


async def test_files_of_others_are_removed_when_they_are_old(
    files: ImageFiles, tmp_path: Path
) -> None:
    kept, other = await files.write(b"kept"), await files.write(b"other")
    now = files.path(other).stat().st_mtime

    assert await files.keep([kept], now - 1) == 0
    os.utime(files.path(other), (0, 0))
    await files.write(b"other")
    assert await files.keep([kept], now - 1) == 0
    assert await files.keep([kept], now + 1) == 1
    assert await ImageFiles(tmp_path / "none", reserve_bytes=0).keep([kept], now) == 0
    assert await files.which([kept, other]) == {kept}


@pytest.mark.parametrize("name", ["", "0" * 63, "../" * 20 + "0000", "0" * 63 + "/", "G" * 64])
async def test_only_digests_name_files(name: str, files: ImageFiles) -> None:
    with pytest.raises(ValueError, match="is no SHA-256 in hex"):
        await files.read(name)


async def test_the_disk_is_not_filled_to_its_end(tmp_path: Path) -> None:
    files = ImageFiles(tmp_path, reserve_bytes=1 << 60)

    with pytest.raises(NoRoom, match="the server's disk is full"):
        await files.write(b"picture")

    assert files_below(tmp_path) == []


async def test_a_directory_that_cannot_be_written_is_no_room(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(b"a file where a directory should be")

    with pytest.raises(NoRoom):
        await ImageFiles(tmp_path / "images", reserve_bytes=0).write(b"picture")
