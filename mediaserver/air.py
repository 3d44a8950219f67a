"""What is made of a show: its sound, a program for each canvas that is wanted, its targets."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from compositor.geometry import Size
from compositor.painter import Cards
from compositor.tiles import FeedInfo
from mediaserver.composition import Composition
from mediaserver.feed import Feed
from mediaserver.levels import Levels
from mediaserver.media import Media
from mediaserver.mixer import AudioBus
from mediaserver.packet import CanvasId, ShowId, TargetId
from mediaserver.program import Program
from mediaserver.stage import Scene
from mediaserver.state import CanvasRecord, Encoding
from mediaserver.target import Target, TargetStatus
from mediaserver.wanted import Wanted, shape, wanted
from sync.secret import Secret

log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 2.5

_ENDED = ("rejected", "stopped")


class Reader(Protocol):
    """Something beside the targets that wants a canvas made: a recording, a preview.

    Called on the event loop; each `begin` is followed by one `end`.
    """

    def begin(self, program: Program) -> None:
        """The canvas is being made: by `program` from now on, with the sound of
        `program.audio`. Comes again after an `end` when it is made anew."""

    def end(self) -> None:
        """No packet of that program comes any more."""


class Air:
    """Event loop only. `on_target` hears each change of a target's status; `on_failure` hears
    that a thread of the show has ended by an exception, and then `rebuild` is due.

    A program runs, and feeds are decoded for it, only while a target or a reader wants it.
    """

    def __init__(
        self,
        show_id: ShowId,
        media: Media,
        *,
        on_target: Callable[[TargetId, TargetStatus], None],
        on_failure: Callable[[], None],
        on_levels: Callable[[Levels], None],
    ) -> None:
        self.programs: dict[CanvasId, Program] = {}
        self.failure: Exception | None = None
        self._show_id = show_id
        self._media = media
        self._on_target = on_target
        self._on_failure = on_failure
        self._on_levels = on_levels
        self._generation = 0
        self._made_as: dict[CanvasId, Encoding] = {}
        self._audio: AudioBus | None = None
        self._targets: dict[TargetId, tuple[CanvasId, Target]] = {}
        self._readers: list[tuple[CanvasId, Reader]] = []
        self._canvases: Mapping[CanvasId, CanvasRecord] = {}
        self._compositions: Mapping[CanvasId, Composition] = {}
        self._assets: Mapping[str, bytes] = {}
        self._cards: Mapping[CanvasId, Cards] = {}
        self._goodbyes: dict[Target, asyncio.Task[None]] = {}
        self._feeds: Sequence[Feed] = ()
        self._watched: set[Feed] = set()

    def compose(
        self,
        canvases: Mapping[CanvasId, CanvasRecord],
        feeds: Sequence[Feed],
        assets: Mapping[str, bytes],
        cards: Mapping[CanvasId, Cards],
    ) -> None:
        """From now on show `feeds`, in the order of admission, as each canvas is composed, with
        the `cards` of its products."""
        self._canvases = canvases
        self._compositions = {key: Composition.of(canvas) for key, canvas in canvases.items()}
        self._assets = assets
        self._cards = cards
        self._feeds = tuple(feeds)
        self._put_on()

    def deal(self, cards: Mapping[CanvasId, Cards]) -> None:
        """From now on show these `cards` of products."""
        if cards != self._cards:
            self._cards = cards
            self._put_on()

    def add_reader(self, canvas_id: CanvasId, reader: Reader) -> None:
        """Make the canvas for `reader` too, until it is removed."""
        self._readers.append((canvas_id, reader))
        reader.begin(self._program(canvas_id))

    def remove_reader(self, canvas_id: CanvasId, reader: Reader) -> None:
        if (canvas_id, reader) in self._readers:
            self._readers.remove((canvas_id, reader))
            reader.end()

    def start_target(
        self,
        target_id: TargetId,
        url: str,
        key: Secret,
        canvas_id: CanvasId,
        *,
        was_live: bool = False,
    ) -> None:
        """Send the canvas to the target, which must not be sending: at once, or when its
        connection of before has said goodbye. `was_live` of one that was live before this server
        began: a refusal is not final."""

        def changed(status: TargetStatus) -> None:
            self._on_target(target_id, status)

        fanout = self._program(canvas_id).fanout
        target = self._media.target(target_id, url, key, fanout, changed, was_live=was_live)
        self._targets[target_id] = canvas_id, target
        self._begin(target_id)

    def close_target(self, target_id: TargetId) -> asyncio.Task[None]:
        """Begin to close the target's connection: it counts as not sending from now on. The
        goodbye may take STOP_TIMEOUT_S; the task is done when it is said."""
        _, target = self._targets[target_id]
        if target not in self._goodbyes:
            self._goodbyes[target] = asyncio.create_task(
                self._close(target), name=f"goodbye {target_id}"
            )
        return self._goodbyes[target]

    async def rest(self) -> None:
        """Stop the programs that nobody wants any more."""
        while unwanted := self.programs.keys() - self._wanted():
            await self._stop_program(unwanted.pop())
        if not self.programs:
            await self._stop_audio()

    async def remake(self) -> None:
        """Make anew for its readers, with the size and rate that it has now, each canvas that has
        changed, and part with the readers of one that is no more. A target sends none of them."""
        for canvas_id, made_as in list(self._made_as.items()):
            canvas = self._canvases.get(canvas_id)
            if canvas is not None and canvas.encoding == made_as:
                continue
            readers = [reader for key, reader in self._readers if key == canvas_id]
            for reader in readers:
                self.remove_reader(canvas_id, reader)
            await self._stop_program(canvas_id)
            for reader in readers if canvas is not None else ():
                self.add_reader(canvas_id, reader)

    async def rebuild(self) -> None:
        """Begin again with fresh programs for the readers; every target is closed, and is to be
        started again."""
        self._generation += 1
        self.failure = None
        self.close_targets()
        for _, reader in self._readers:
            reader.end()
        programs, self.programs = self.programs, {}
        self._made_as.clear()
        audio, self._audio = self._audio, None
        for canvas_id, reader in self._readers:
            reader.begin(self._program(canvas_id))
        for program in programs.values():
            await program.stop()
        if audio is not None:
            await audio.stop()
        self._put_on()

    def close_targets(self) -> list[asyncio.Task[None]]:
        """Begin to close every target that is sending; all goodbyes that are being said."""
        for target_id in self._targets:
            if self.sends(target_id):
                self.close_target(target_id)
        return list(self._goodbyes.values())

    async def end(self) -> list[asyncio.Task[None]]:
        """Fade the sound out, then begin to close every target; all goodbyes that are being said.
        Readers hear the sound again."""
        if self._audio is not None and self.sending():
            await self._audio.fade_out()
        goodbyes = self.close_targets()
        self._put_on()
        return goodbyes

    async def stop(self) -> None:
        """Close every target, part with the readers, then end every thread."""
        goodbyes = await self.end()
        for canvas_id, reader in list(self._readers):
            self.remove_reader(canvas_id, reader)
        if goodbyes:
            await asyncio.wait(goodbyes)
        await self.rest()

    @property
    def says_goodbye(self) -> bool:
        """Whether connections are being closed."""
        return bool(self._goodbyes)

    def measure_anew(self) -> None:
        """What was heard so far does not count for the loudness of the show."""
        if self._audio is not None:
            self._audio.measure_anew()

    def forget(self, target_id: TargetId) -> None:
        """Drop a target that is not sending, with its counters."""
        self._targets.pop(target_id, None)

    def forget_ended(self) -> None:
        """Drop the targets that are not sending."""
        for target_id in [key for key in self._targets if not self.sends(key)]:
            self.forget(target_id)

    def status(self, target_id: TargetId) -> TargetStatus | None:
        """None of a target that was not started."""
        if target_id not in self._targets:
            return None
        return self._targets[target_id][1].snapshot()

    def sends(self, target_id: TargetId) -> bool:
        """Whether the target is connected or tries to be."""
        return target_id in self._targets and self._sends(self._targets[target_id][1])

    def sending(self) -> int:
        """How many targets are connected or try to be."""
        return sum(self._sends(target) for _, target in self._targets.values())

    def rejected(self) -> list[TargetId]:
        """The targets that were refused for good."""
        return [key for key, (_, each) in self._targets.items() if each.status == "rejected"]

    def sent(self) -> set[CanvasId]:
        """The canvases that a target sends or tries to."""
        return {canvas for canvas, target in self._targets.values() if self._sends(target)}

    def wanted(self) -> dict[str, Wanted]:
        """What the canvases that are being made want of the feeds that they show."""
        canvases = [
            (composition.layout, Size(self._canvases[key].width, self._canvases[key].height))
            for key, composition in self._compositions.items()
            if key in self.programs
        ]
        pictures = [(feed.id, feed.picture()) for feed in self._feeds]
        return wanted(
            canvases,
            [FeedInfo(feed.id, feed.name, feed.state()) for feed in self._feeds],
            {feed: shape(*picture.size) for feed, picture in pictures if picture is not None},
        )

    def _sends(self, target: Target) -> bool:
        return target not in self._goodbyes and target.status not in _ENDED

    def _wanted(self) -> set[CanvasId]:
        return self.sent() | {canvas for canvas, _ in self._readers}

    def _program(self, canvas_id: CanvasId) -> Program:
        """The one that makes the canvas, started if need be."""
        failed = partial(self._failed, self._generation)
        if self._audio is None:
            self._audio = self._media.audio(self._show_id, failed, self._on_levels)
            self._audio.start()
        if canvas_id not in self.programs:
            canvas = self._canvases[canvas_id]
            program = self._media.program(canvas_id, canvas, self._audio, failed)
            self.programs[canvas_id] = program
            self._made_as[canvas_id] = canvas.encoding
            program.start()
            log.info("program_started show=%s canvas=%s", self._show_id, canvas_id)
            self._put_on()
        return self.programs[canvas_id]

    async def _stop_program(self, canvas_id: CanvasId) -> None:
        del self._made_as[canvas_id]
        await self.programs.pop(canvas_id).stop()
        log.info("program_stopped show=%s canvas=%s", self._show_id, canvas_id)

    async def _stop_audio(self) -> None:
        audio, self._audio = self._audio, None
        if audio is not None:
            await audio.stop()
            self._put_on()

    def _failed(self, generation: int, error: Exception) -> None:
        """A thread has ended by `error`: of the media of now, or of some that were replaced."""
        if generation == self._generation:
            self.failure = error
            self._on_failure()

    def _begin(self, target_id: TargetId) -> None:
        """Start the target if it waits for its start and no earlier connection is in its way."""
        _, target = self._targets[target_id]
        if target.status == "idle" and all(other.id != target_id for other in self._goodbyes):
            target.start()

    async def _close(self, target: Target) -> None:
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await target.stop()
        except TimeoutError:
            log.error("target_did_not_stop show=%s target=%s", self._show_id, target.id)
        finally:
            del self._goodbyes[target]
            if target.id in self._targets:
                self._begin(target.id)

    def _put_on(self) -> None:
        on = set(self._feeds) if self.programs else set()
        for feed in on - self._watched:
            feed.watch()
        for feed in self._watched - on:
            feed.unwatch()
        self._watched = on
        if self._audio is not None:
            self._audio.listen(self._feeds)
        for canvas_id in self.programs.keys() & self._compositions.keys():
            scene = Scene(
                self._compositions[canvas_id],
                tuple(self._feeds),
                self._assets,
                self._cards.get(canvas_id, {}),
            )
            self.programs[canvas_id].show(scene)
