import os
import signal
import subprocess
import sys
from pathlib import Path

import av

from mediaserver.mp4 import FRAGMENT_S, Mp4Writer
from tests.media import Programme

SECONDS = 4


def test_a_file_holds_the_packets_as_they_went_out(tmp_path: Path) -> None:
    programme = Programme(SECONDS)
    path = tmp_path / "show.mp4"
    writer = Mp4Writer(path, programme.headers, programme.packets)
    writer.close()
    with av.open(str(path)) as file:
        video, audio = file.streams.video[0], file.streams.audio[0]
        assert (video.width, video.height, audio.rate) == (320, 180, 48_000)
        units = [packet for packet in file.demux() if packet.size]
        pictures = [unit for unit in units if unit.stream is video]
        sounds = [unit for unit in units if unit.stream is audio]
    given = [packet for packet in programme.packets if packet.kind == "video"]
    assert [bytes(unit) for unit in pictures] == [packet.payload[5:] for packet in given]
    assert [unit.pts for unit in pictures] == [packet.dts for packet in given]
    assert [unit.is_keyframe for unit in pictures] == [packet.is_keyframe for packet in given]
    assert [unit.pts for unit in sounds] == [1024 * index for index in range(len(sounds))]


def test_the_file_of_a_killed_writer_plays_but_for_the_last_fragment(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    process = subprocess.run([sys.executable, "-m", "tests.test_mp4", str(path)], check=False)
    assert process.returncode == -signal.SIGKILL
    with av.open(str(path)) as file:
        times = [frame.time for frame in file.decode(video=0)]
    assert times[0] == 0
    assert times[-1] >= SECONDS - 2 * FRAGMENT_S
    with av.open(str(path)) as file:
        assert sum(frame.samples for frame in file.decode(audio=0)) >= 48_000 * (SECONDS - 1)


if __name__ == "__main__":
    show = Programme(SECONDS)
    Mp4Writer(Path(sys.argv[1]), show.headers, show.packets)
    os.kill(os.getpid(), signal.SIGKILL)
