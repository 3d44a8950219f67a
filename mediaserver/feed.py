"""One host's media: access units in, the latest picture and a steady sound out."""

import logging
import queue
import threading
from dataclasses import dataclass
from typing import Protocol

import av

from compositor.scale import Scaler
from mediaserver.audio_buffer import AudioBuffer
from mediaserver.clock import Clock
from mediaserver.decoder import AudioDecoder, VideoDecoder
from mediaserver.feed_state import FeedState, feed_state
from mediaserver.packet import AccessUnit, FeedId
from mediaserver.picture import Picture

log = logging.getLogger(__name__)

BACKLOG_UNITS = 64
"""Access units that may wait for the decoder: about 0.8 s of video and Opus together."""
KEYFRAME_REQUEST_INTERVAL_S = 0.5


class Source(Protocol):
    """The live connection that brings a feed's media: WebRTC, or RTMP from a studio."""

    def request_keyframe(self) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FeedStats:
    """Counters of a feed since the server knows it; sizes in pixels, 0 before the first picture."""

    width: int
    height: int
    frames_decoded: int
    units_dropped: int
    decode_errors: int
    audio_underruns: int


class Feed:
    """One host's media while the server runs; it outlives the host's connections.

    The event loop attaches a source and pushes access units. Decoding happens on a thread of
    the feed's own, and only while somebody watches. Pictures and sound are read by any thread.
    """

    def __init__(self, feed_id: FeedId, name: str, *, clock: Clock, admitted: bool = False) -> None:
        self.id = feed_id
        self.name = name
        self.admitted = admitted
        self.gain_db = 0.0
        self.muted = False
        self.audio = AudioBuffer()
        self._clock = clock
        self._source: Source | None = None
        self._seen_at_s: float | None = None
        self._units: queue.Queue[AccessUnit | None] = queue.Queue(BACKLOG_UNITS)
        self._thread: threading.Thread | None = None
        self._watchers = 0
        self._needs_keyframe = True
        self._keyframe_requested_s = float("-inf")
        self._picture: Picture | None = None
        self._frames_decoded = 0
        self._units_dropped = 0
        self._decode_errors = 0

    def attach(self, source: Source) -> Source | None:
        """Make `source` the one that brings this feed; gives back the one it replaces."""
        previous, self._source = self._source, source
        self._seen_at_s = self._clock.now()
        self._needs_keyframe = True
        self._request_keyframe()
        return previous

    def detach(self, source: Source, *, left: bool = False) -> None:
        """`source` brings nothing more. A host who `left` on purpose is gone at once."""
        if self._source is not source:
            return
        self._source = None
        if left:
            self._seen_at_s = None
            self._picture = None

    @property
    def source(self) -> Source | None:
        """The connection that brings this feed now."""
        return self._source

    def push(self, unit: AccessUnit) -> None:
        """Take one access unit, in the order of decoding. Never blocks."""
        if self._thread is None:
            self._needs_keyframe = True
            if unit.kind == "video":
                self._seen_at_s = unit.arrived_s
            return
        if unit.kind == "video":
            if self._needs_keyframe and not unit.is_keyframe:
                self._units_dropped += 1
                self._request_keyframe()
                return
            self._needs_keyframe = False
        try:
            self._units.put_nowait(unit)
        except queue.Full:
            self._units_dropped += 1
            self._needs_keyframe = self._needs_keyframe or unit.kind == "video"

    def watch(self) -> None:
        """Somebody shows this feed or listens to it: decode until `unwatch`."""
        self._watchers += 1
        if self._watchers == 1:
            self._units = queue.Queue(BACKLOG_UNITS)
            self._needs_keyframe = True
            self._thread = threading.Thread(
                target=self._decode, args=(self._units,), name=f"decode-{self.id}", daemon=True
            )
            self._thread.start()
            self._request_keyframe()

    def unwatch(self) -> None:
        """One watcher fewer; after the last one decoding ends."""
        self._watchers -= 1
        if self._watchers == 0 and self._thread is not None:
            thread, self._thread = self._thread, None
            while True:
                try:
                    self._units.put_nowait(None)
                    break
                except queue.Full:
                    self._units.get_nowait()
            thread.join()

    def picture(self) -> Picture | None:
        """The latest decoded picture."""
        return self._picture

    def state(self) -> FeedState:
        """What the feed is to the show at this moment."""
        return feed_state(
            admitted=self.admitted,
            connected=self._source is not None,
            seen_at_s=self._seen_at_s,
            now_s=self._clock.now(),
        )

    def stats(self) -> FeedStats:
        width, height = self._picture.size if self._picture else (0, 0)
        return FeedStats(
            width=width,
            height=height,
            frames_decoded=self._frames_decoded,
            units_dropped=self._units_dropped,
            decode_errors=self._decode_errors,
            audio_underruns=self.audio.underruns,
        )

    def _request_keyframe(self) -> None:
        now = self._clock.now()
        due = now - self._keyframe_requested_s >= KEYFRAME_REQUEST_INTERVAL_S
        if self._source is not None and due:
            self._keyframe_requested_s = now
            self._source.request_keyframe()

    def _decode(self, units: "queue.Queue[AccessUnit | None]") -> None:
        video, audio, scaler = VideoDecoder(), AudioDecoder(), Scaler()
        while (unit := units.get()) is not None:
            try:
                if unit.kind == "video":
                    for frame in video.decode(unit):
                        picture = Picture(frame, unit.turns)
                        if self._picture is not None:
                            picture.prepare_like(self._picture, scaler)
                        self._picture = picture
                        self._frames_decoded += 1
                        self._seen_at_s = self._clock.now()
                else:
                    for position, samples in audio.decode(unit):
                        self.audio.write(position, samples)
            except av.FFmpegError as error:
                self._decode_errors += 1
                self._needs_keyframe = self._needs_keyframe or unit.kind == "video"
                if self._decode_errors == 1:
                    log.info(
                        "feed_decode_error feed=%s codec=%s error=%s", self.id, unit.codec, error
                    )
