"""A show on air: its sound, a program for each canvas that is wanted, its targets."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from mediaserver.composition import Composition
from mediaserver.feed import Feed
from mediaserver.media import Media
from mediaserver.mixer import AudioBus
from mediaserver.packet import CanvasId, ShowId, TargetId
from mediaserver.program import Program
from mediaserver.secret import Secret
from mediaserver.stage import Scene
from mediaserver.state import CanvasRecord
from mediaserver.target import Target, TargetStatus

log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 2.5

_ENDED = ("rejected", "stopped")


class Air:
    """Event loop only. `on_target` hears each change of a target's status; `on_failure` hears
    when a thread of the show has ended by an exception, and then `stop` is all that is left.

    A program runs, and feeds are decoded for it, only while a target wants it.
    """

    def __init__(
        self,
        show_id: ShowId,
        media: Media,
        *,
        on_target: Callable[[TargetId, TargetStatus], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self.programs: dict[CanvasId, Program] = {}
        self._show_id = show_id
        self._media = media
        self._on_target = on_target
        self._on_failure = on_failure
        self._audio: AudioBus | None = None
        self._targets: dict[TargetId, tuple[CanvasId, Target]] = {}
        self._compositions: Mapping[CanvasId, Composition] = {}
        self._assets: Mapping[str, bytes] = {}
        self._goodbyes: dict[Target, asyncio.Task[None]] = {}
        self._feeds: Sequence[Feed] = ()
        self._watched: set[Feed] = set()

    def compose(
        self,
        compositions: Mapping[CanvasId, Composition],
        feeds: Sequence[Feed],
        assets: Mapping[str, bytes],
    ) -> None:
        """From now on show `feeds`, in the order of admission, as each canvas is composed."""
        self._compositions = compositions
        self._assets = assets
        self._feeds = tuple(feeds)
        self._put_on()

    def start_target(
        self, target_id: TargetId, url: str, key: Secret, canvas_id: CanvasId, canvas: CanvasRecord
    ) -> None:
        """Send `canvas` to the target, which must not be sending: at once, or when its
        connection of before has said goodbye."""
        if self._audio is None:
            self._audio = self._media.audio(self._show_id, self._on_failure)
            self._audio.start()
        program = self.programs.get(canvas_id)
        if program is None:
            program = self._media.program(canvas_id, canvas, self._audio, self._on_failure)
            self.programs[canvas_id] = program
            program.start()
            log.info("program_started show=%s canvas=%s", self._show_id, canvas_id)
            self._put_on()

        def changed(status: TargetStatus) -> None:
            self._on_target(target_id, status)

        target = self._media.target(target_id, url, key, program.fanout, changed)
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
        """Stop the programs that no target wants any more."""
        wanted = {canvas for canvas, target in self._targets.values() if self._sends(target)}
        for canvas_id in self.programs.keys() - wanted:
            await self.programs.pop(canvas_id).stop()
            log.info("program_stopped show=%s canvas=%s", self._show_id, canvas_id)
        if not self.programs and self._audio is not None:
            audio, self._audio = self._audio, None
            await audio.stop()
            self._put_on()

    async def stop(self) -> None:
        """Close every target, then end every thread."""
        for target_id in self._targets:
            self.close_target(target_id)
        if self._goodbyes:
            await asyncio.wait(self._goodbyes.values())
        await self.rest()

    def forget(self, target_id: TargetId) -> None:
        """Drop a target that is not sending, with its counters."""
        self._targets.pop(target_id, None)

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

    def _sends(self, target: Target) -> bool:
        return target not in self._goodbyes and target.status not in _ENDED

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
        for canvas_id, program in self.programs.items():
            program.show(Scene(self._compositions[canvas_id], tuple(self._feeds), self._assets))
