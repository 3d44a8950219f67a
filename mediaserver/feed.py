"""One host's media: access units in, the latest picture and a steady sound out."""

from dataclasses import dataclass
from typing import Protocol

from mediaserver.audio_buffer import AudioBuffer, Samples
from mediaserver.clock import Clock
from mediaserver.decode_thread import DecodeThread
from mediaserver.decoder import BT601
from mediaserver.feed_state import FeedState, feed_state
from mediaserver.lip_sync import DECODING_S, LipSync
from mediaserver.packet import AccessUnit, FeedId
from mediaserver.picture import Picture
from mediaserver.sound_decoder import SoundDecoder

KEYFRAME_REQUEST_INTERVAL_S = 0.5


class Source(Protocol):
    """The live connection that brings a feed's media: WebRTC, or RTMP from a studio.

    `untagged_matrix` is what its untagged pictures are (ITU-T H.273, table 4).
    """

    untagged_matrix: int

    def request_keyframe(self) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FeedStats:
    """Counters of a feed since the server knows it; sizes in pixels, 0 before the first picture.

    `delay_s` is what its sound waits here; `skew_s` how much later than its sound the last picture
    was shown, None while that is not known.
    """

    width: int
    height: int
    frames_decoded: int
    units_dropped: int
    decode_errors: int
    audio_underruns: int
    delay_s: float
    skew_s: float | None


class Feed:
    """One host's media while the server runs; it outlives the host's connections.

    The event loop attaches a source and pushes access units. Pictures are decoded only while
    somebody watches, by who shows them where that is quick, otherwise on a thread of the feed's
    own; they are read by any thread. Sound is decoded by the one thread that hears it.
    """

    def __init__(self, feed_id: FeedId, name: str, *, clock: Clock, admitted: bool = False) -> None:
        self.id = feed_id
        self.name = name
        self.admitted = admitted
        self.gain_db = 0.0
        self.muted = False
        self.solo = False
        self.audio = AudioBuffer(clock)
        self._clock = clock
        self._sync = LipSync(self.audio)
        self.device: str | None = None
        self._source: Source | None = None
        self._contender: tuple[Source, str] | None = None
        self._seen_at_s: float | None = None
        self._decoding: DecodeThread | None = None
        self._sound = self._sound_decoder()
        self._watchers = 0
        self._needs_keyframe = True
        self._keyframe_requested_s = float("-inf")
        self._picture: Picture | None = None
        self._frames_decoded = 0
        self._units_dropped = 0
        self._decode_errors = 0

    def join(self, source: Source, device: str) -> Source | None:
        """`source`, from the device of that hash ("" of one that does not say), brings this feed
        from now on if it is the device that brought it last, or the first; another waits as the
        contender. Gives back the connection that it replaces."""
        if self.device in (None, device):
            self.device = device
            return self.attach(source)
        replaced, self._contender = self._contender, (source, device)
        return replaced[0] if replaced else None

    def take_over(self) -> Source | None:
        """The contender, if there is one, brings this feed from now on; gives back the connection
        that it replaces."""
        if self._contender is None:
            return None
        (source, self.device), self._contender = self._contender, None
        return self.attach(source)

    @property
    def contender(self) -> tuple[Source, str] | None:
        """The connection from another device that waits to bring this feed, and its device."""
        return self._contender

    def attach(self, source: Source) -> Source | None:
        """Make `source` the one that brings this feed; gives back the one it replaces.

        What the replaced one has brought and is not decoded yet is left out.
        """
        previous, self._source = self._source, source
        self._seen_at_s = self._clock.now()
        self._begin_anew()
        return previous

    def detach(self, source: Source, *, left: bool = False) -> None:
        """`source` brings nothing more. A host who `left` on purpose is gone at once."""
        if self._contender is not None and self._contender[0] is source:
            self._contender = None
        if self._source is not source:
            return
        self._source = None
        if left:
            self._begin_anew()
            self._seen_at_s = None
            self._picture = None

    @property
    def source(self) -> Source | None:
        """The connection that brings this feed now."""
        return self._source

    def push(self, unit: AccessUnit) -> None:
        """Take one access unit, in the order of decoding. Never blocks."""
        if self._decoding is None:
            if unit.kind == "video":
                self._seen_at_s = unit.arrived_s
            return
        if unit.kind == "audio":
            self._sound.put(unit)
            self._sync.arrived(unit)
            return
        if self._needs_keyframe:
            if not unit.is_keyframe:
                self._units_dropped += 1
                self._request_keyframe()
                return
            self._needs_keyframe = False
        if not self._decoding.put(unit):
            self._units_dropped += 1
            self._needs_keyframe = True
            return
        self._sync.arrived(unit)

    def watch(self) -> None:
        """Somebody shows this feed or listens to it: decode until `unwatch`."""
        self._watchers += 1
        if self._watchers == 1:
            self._begin_anew()

    def unwatch(self) -> None:
        """One watcher fewer; after the last one decoding ends."""
        self._watchers -= 1
        if self._watchers == 0 and self._decoding is not None:
            self._decoding.finish()
            self._decoding = None

    def picture(self) -> Picture | None:
        """The latest decoded picture."""
        return self._picture

    def decode_due(self, most_s: float) -> float:
        """Decode what is due on this thread, which shows it next, if a picture usually takes
        `most_s` at most; how long it does."""
        decoding = self._decoding
        if decoding is None:
            return 0.0
        if decoding.usual_s > most_s:
            decoding.relieve_no_more()
            return 0.0
        decoding.decode_due(self._show_for_tick)
        return decoding.usual_s

    def hear(self, count: int, due_s: float | None = None) -> Samples:
        """The next `count` samples, as AudioBuffer.read gives them; for one thread."""
        self._sound.decode()
        return self.audio.read(count, due_s)

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
            delay_s=self.audio.delay_s,
            skew_s=self._sync.skew_s,
        )

    def _begin_anew(self) -> None:
        """Decode what comes from now on, from a keyframe, and nothing that came before."""
        if self._decoding is not None:
            self._decoding.abandon()
            self._decoding = None
        self._sound.abandon()
        self.audio.begin_anew()
        self._sound = self._sound_decoder()
        self._sync = sync = LipSync(self.audio)
        if self._watchers:
            self._needs_keyframe = True
            self._decoding = DecodeThread(
                self.id,
                untagged_matrix=self._source.untagged_matrix if self._source else BT601,
                hold_s=lambda unit: sync.hold_s(unit, self._clock.now()),
                on_picture=self._show,
                on_trouble=self._mend,
            )
            self._request_keyframe()

    def _sound_decoder(self) -> SoundDecoder:
        return SoundDecoder(self.id, on_sound=self.audio.write, on_trouble=self._mend)

    def _request_keyframe(self) -> None:
        now = self._clock.now()
        due = now - self._keyframe_requested_s >= KEYFRAME_REQUEST_INTERVAL_S
        if self._source is not None and due:
            self._keyframe_requested_s = now
            self._source.request_keyframe()

    def _show(self, picture: Picture, unit: AccessUnit) -> None:
        self._see(picture)
        self._sync.shown(unit, self._clock.now())

    def _show_for_tick(self, picture: Picture, unit: AccessUnit) -> None:
        """Since it was due, it has waited for the tick as pictures that are decoded before do."""
        self._see(picture)
        now_s = self._clock.now()
        due_s = now_s + self._sync.hold_s(unit, now_s)
        self._sync.shown(unit, min(now_s, max(due_s, unit.arrived_s) + DECODING_S))

    def _see(self, picture: Picture) -> None:
        self._picture = picture
        self._frames_decoded += 1
        self._seen_at_s = self._clock.now()

    def _mend(self, unit: AccessUnit) -> None:
        """`unit` could not be decoded: pictures go on at the next keyframe."""
        self._decode_errors += 1
        self._needs_keyframe = self._needs_keyframe or unit.kind == "video"
