"""FFmpeg's whip muxer, as PyAV carries it: its calls block, so it is a program of its own.

python -m tests.webrtc.ffmpeg_publisher URL TOKEN CERTIFICATE KEY FRAMES
"""

import sys
import time
from fractions import Fraction

import av
import numpy as np

from tests.media import moving_frames

FPS, SAMPLE_RATE, OPUS_SAMPLES = 30, 48_000, 960


def main(url: str, token: str, certificate: str, key: str, frames: str) -> None:
    options = {"authorization": token, "cert_file": certificate, "key_file": key}
    with av.open(url, "w", format="whip", options=options) as output:
        video = output.add_stream(
            "libx264",
            rate=FPS,
            options={"profile": "baseline", "preset": "ultrafast", "tune": "zerolatency"},
        )
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        video.gop_size = FPS
        audio = output.add_stream("libopus", rate=SAMPLE_RATE)
        audio.layout = "stereo"
        audio.bit_rate = 96_000
        start_s = time.monotonic()
        sounded = 0
        for index, frame in enumerate(moving_frames(int(frames), 320, 240)):
            frame.pts, frame.time_base = index, Fraction(1, FPS)
            output.mux(video.encode(frame))
            while sounded * FPS < index * SAMPLE_RATE:
                silence = np.zeros((1, 2 * OPUS_SAMPLES), np.int16)
                sound = av.AudioFrame.from_ndarray(silence, "s16", "stereo")
                sound.sample_rate, sound.pts = SAMPLE_RATE, sounded
                sound.time_base = Fraction(1, SAMPLE_RATE)
                output.mux(audio.encode(sound))
                sounded += OPUS_SAMPLES
            time.sleep(max(0.0, start_s + (index + 1) / FPS - time.monotonic()))


if __name__ == "__main__":
    main(*sys.argv[1:])
