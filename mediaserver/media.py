"""Makes the running parts of a show with what this server's settings say of them."""

import ssl
from collections.abc import Callable
from fractions import Fraction

from mediaserver.clock import Clock
from mediaserver.encoder import DEFAULT_PRESET, VideoEncoding
from mediaserver.fanout import Fanout
from mediaserver.feed import Feed
from mediaserver.levels import Levels
from mediaserver.mixer import AudioBus
from mediaserver.packet import CanvasId, FeedId, ShowId, TargetId
from mediaserver.program import Program
from mediaserver.recording import Recording
from mediaserver.recordings import Recordings
from mediaserver.state import CanvasRecord
from mediaserver.target import Target, TargetStatus
from sync.secret import Secret

FRAME_RATES = {
    24: Fraction(24),
    25: Fraction(25),
    30: Fraction(30),
    50: Fraction(50),
    60: Fraction(60),
    23.976: Fraction(24_000, 1001),
    29.97: Fraction(30_000, 1001),
    59.94: Fraction(60_000, 1001),
}
"""The rates that canvases may have, as they are written in JSON."""

OnFailure = Callable[[Exception], None]


class Media:
    """`tls` is for rtmps targets; None checks certificates as the machine does."""

    def __init__(
        self,
        *,
        clock: Clock,
        recordings: Recordings,
        x264_preset: str = DEFAULT_PRESET,
        keyframe_interval_s: float = 2.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.keyframe_interval_s = keyframe_interval_s
        self._clock = clock
        self._recordings = recordings
        self._x264_preset = x264_preset
        self._tls = tls

    def feed(self, feed_id: FeedId, name: str) -> Feed:
        return Feed(feed_id, name, clock=self._clock)

    def audio(
        self,
        show_id: ShowId,
        on_failure: OnFailure,
        on_levels: Callable[[Levels], None] | None = None,
    ) -> AudioBus:
        return AudioBus(show_id, clock=self._clock, on_failure=on_failure, on_levels=on_levels)

    def program(
        self, canvas_id: CanvasId, canvas: CanvasRecord, audio: AudioBus, on_failure: OnFailure
    ) -> Program:
        encoding = VideoEncoding(
            width=canvas.width,
            height=canvas.height,
            fps=FRAME_RATES[canvas.fps],
            bitrate_bps=canvas.video_bitrate,
            preset=self._x264_preset,
            keyframe_interval_s=self.keyframe_interval_s,
        )
        return Program(canvas_id, encoding, audio=audio, clock=self._clock, on_failure=on_failure)

    def recording(
        self, show_id: ShowId, canvas_id: CanvasId, on_change: Callable[[], None]
    ) -> Recording:
        return self._recordings.recording(show_id, canvas_id, on_change)

    def target(
        self,
        target_id: TargetId,
        url: str,
        stream_key: Secret,
        fanout: Fanout,
        on_change: Callable[[TargetStatus], None],
        *,
        was_live: bool = False,
    ) -> Target:
        return Target(
            target_id,
            url,
            stream_key,
            fanout=fanout,
            clock=self._clock,
            on_change=on_change,
            tls=self._tls,
            was_live=was_live,
        )
