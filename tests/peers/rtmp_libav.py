"""libavformat at the other end, in a process of its own: `python -m tests.peers.rtmp_libav`.

`listen URL` takes one publisher and prints what it decoded as JSON; `publish FILE URL` sends FILE.
"""

import json
import sys
from contextlib import suppress

import av


def listen(url: str) -> None:
    pictures: list[av.VideoFrame] = []
    sounds = 0
    with av.open(url, options={"listen": "1"}, timeout=30) as received:
        video, audio = received.streams.video[0], received.streams.audio[0]
        # libavformat's RTMP server ends every stream with an I/O error.
        with suppress(OSError):
            for packet in received.demux(video, audio):
                if packet.stream is video:
                    pictures += video.decode(packet)
                else:
                    sounds += len(audio.decode(packet))
        pictures += video.decode(None)
        sounds += len(audio.decode(None))
    print(
        json.dumps({"pictures": len(pictures), "sounds": sounds, "first_pts_s": pictures[0].time})
    )


def publish(path: str, url: str) -> None:
    with av.open(path) as source, av.open(url, "w", format="flv") as output:
        streams = {s.index: output.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)


if __name__ == "__main__":
    if sys.argv[1] == "listen":
        listen(sys.argv[2])
    else:
        publish(sys.argv[2], sys.argv[3])
