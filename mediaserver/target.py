"""A target: one RTMP(S) destination of a canvas, kept on air by a task of its own."""

import asyncio
import logging
import random
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from mediaserver.clock import Clock
from mediaserver.errors import BadRequest, TargetClosed, TargetError, TargetRejected
from mediaserver.fanout import Fanout
from mediaserver.packet import TICKS_PER_S, TargetId
from mediaserver.rtmp.publisher import MediaMessage, Publisher, Timeouts, publish
from mediaserver.rtmp.url import TargetUrl, parse_target_url
from sync.secret import Secret

log = logging.getLogger(__name__)

Status = Literal["idle", "connecting", "live", "retrying", "rejected", "stopped"]

FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 30.0

SETTLED_S = 30.0
"""A target that was live for this long begins again with the first delay."""

TRIAL_S = 0.25
"""A connection is live when it has lasted so long from Publish.Start: nginx says that to those
whom it denies, too, and hangs up."""

_HASTY_S = 5.0
"""Some platforms take any key at first and hang up on a wrong one within this time: after that,
this is how long a connection must last to be live."""

_DROPS_LOGGED_EVERY_S = 1.0
_AT_ONCE = 8
"""Packets in one write: a picture comes with its sound, and a backlog goes in such parts."""
_TICKS_PER_MS = TICKS_PER_S // 1000


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """What a panel shows of a target.

    `since` is in seconds of the clock that the target was given. The counters and `retries` begin
    with the last start; frames are pictures.
    """

    status: Status
    since: float
    retries: int
    reason: str | None
    bytes_sent: int
    frames_sent: int
    frames_dropped: int


class Target:
    """Publishes a fan-out to one destination until it is stopped or refused.

    `connecting` is the first attempt only: from a failure to the next `live` it is `retrying`.
    A connection carries the stream from its start, and is `live` once it has lasted for `trial_s`.
    `on_change` is called on every change of status and with every failure. `sleep` waits between
    two attempts, and in a trial. One that `was_live` before this server began is not stopped by
    a refusal.
    """

    def __init__(
        self,
        target_id: TargetId,
        url: str | None,
        stream_key: Secret | str | None,
        *,
        fanout: Fanout,
        clock: Clock,
        on_change: Callable[[TargetStatus], None],
        rng: Callable[[], float] = random.random,
        tls: ssl.SSLContext | None = None,
        timeouts: Timeouts | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        trial_s: float = TRIAL_S,
        was_live: bool = False,
    ) -> None:
        self.id = target_id
        self._url = (url or "").strip()
        self._key = stream_key if isinstance(stream_key, Secret) else Secret(stream_key or "")
        self._fanout = fanout
        self._clock = clock
        self._on_change = on_change
        self._rng = rng
        self._tls = tls
        self._timeouts = timeouts or Timeouts()
        self._sleep = sleep
        self._shortest_trial_s = trial_s
        self._was_live_before = was_live
        self._task: asyncio.Task[None] | None = None
        self._status: Status = "idle"
        self._since = clock.now()
        self._reason = self._missing()
        self._reset()

    @property
    def status(self) -> Status:
        return self._status

    def snapshot(self) -> TargetStatus:
        bytes_sent, frames_sent, dropped = self._bytes_sent, self._frames_sent, self._frames_dropped
        if self._airing is not None:
            bytes_sent += self._airing.publisher.bytes_sent
            frames_sent += self._airing.frames_sent
            dropped += self._airing.queue.frames_dropped
        return TargetStatus(
            status=self._status,
            since=self._since,
            retries=self._retries,
            reason=self._reason,
            bytes_sent=bytes_sent,
            frames_sent=frames_sent,
            frames_dropped=dropped,
        )

    def start(self) -> None:
        """Begin to connect, unless the target runs already or lacks its URL or key."""
        if self._missing() or self._is_running():
            return
        self._reset()
        self._task = asyncio.create_task(self._run(), name=f"target {self.id}")

    async def stop(self) -> None:
        """End the broadcast with a goodbye, within `Timeouts.close_s`. It is stopped also when that
        is not waited for: nothing but the goodbye goes out any more."""
        task, self._task = self._task, None
        try:
            if task is not None:
                task.cancel()
                await asyncio.wait((task,))
        finally:
            if not self._missing() and not self._is_running():
                self._change("stopped", None)

    def _reset(self) -> None:
        self._airing: _Airing | None = None
        self._was_live = self._was_live_before
        self._trial_s = self._shortest_trial_s
        self._failures = 0
        self._retries = 0
        self._bytes_sent = 0
        self._frames_sent = 0
        self._frames_dropped = 0

    def _is_running(self) -> bool:
        return self._task is not None and not self._task.done()

    def _missing(self) -> str | None:
        if not self._key.reveal().strip():
            return "stream key missing"
        return None if self._url else "server URL missing"

    def _change(self, status: Status, reason: str | None) -> None:
        if status != self._status:
            self._since = self._clock.now()
        self._status, self._reason = status, reason
        log.info(
            "target_status target=%s status=%s retries=%d reason=%r",
            self.id,
            status,
            self._retries,
            reason,
        )
        self._on_change(self.snapshot())

    async def _run(self) -> None:
        try:
            url = parse_target_url(self._url)
        except BadRequest as error:
            self._change("rejected", error.reason)
            return
        self._change("connecting", None)
        while True:
            try:
                await self._broadcast(url)
            except TargetRejected as error:
                if not self._was_live:
                    self._change("rejected", error.reason)
                    return
                reason = error.reason
            except TargetError as error:
                reason = error.reason
            except Exception:
                log.exception("target_failed target=%s", self.id)
                reason = "an error inside this server, see its log"
            self._retries += 1
            self._change("retrying", reason)
            await self._sleep(self._delay_s())

    def _delay_s(self) -> float:
        """The next delay: doubled with each failure, with up to half taken off at random."""
        delay_s = min(FIRST_DELAY_S * 2.0**self._failures, LONGEST_DELAY_S)
        if delay_s < LONGEST_DELAY_S:
            self._failures += 1
        return delay_s * (1 - self._rng() / 2)

    async def _broadcast(self, url: TargetUrl) -> None:
        """Publish until that fails, as it does sooner or later. Raises TargetError."""
        key = self._key.reveal().strip()
        publisher = await publish(url, key, tls=self._tls, timeouts=self._timeouts)
        live_s = self._clock.now()
        try:
            error = await self._air(publisher)
        finally:
            await publisher.close()
        lasted_s = self._clock.now() - live_s
        if lasted_s >= SETTLED_S:
            self._failures = 0
        elif lasted_s < _HASTY_S and isinstance(error, TargetClosed):
            self._trial_s = _HASTY_S
            raise TargetClosed(
                "the server closed the connection right after the start; is the stream key right?"
            )
        raise error

    async def _air(self, publisher: Publisher) -> TargetError:
        """Send the fan-out's packets; why that ended."""
        airing = self._airing = _Airing(publisher, self._fanout)
        try:
            error = await self._tried(publisher)
            if error is not None:
                return error
            self._trial_s = self._shortest_trial_s
            self._was_live = True
            self._change("live", None)
            return await self._failure(airing)
        finally:
            self._fanout.unsubscribe(airing.queue)
            self._airing = None
            self._bytes_sent += publisher.bytes_sent
            self._frames_sent += airing.frames_sent
            self._frames_dropped += airing.queue.frames_dropped

    async def _tried(self, publisher: Publisher) -> TargetError | None:
        """Wait for the end of the trial; why the connection did not last for it."""
        trial = asyncio.ensure_future(self._sleep(self._trial_s))
        failure = asyncio.ensure_future(publisher.failure())
        try:
            await asyncio.wait((trial, failure), return_when=asyncio.FIRST_COMPLETED)
            return failure.result() if failure.done() else None
        finally:
            trial.cancel()
            failure.cancel()

    async def _failure(self, airing: "_Airing") -> TargetError:
        """Wait for the connection's end; frames dropped meanwhile are a line a second at most."""
        logged = 0
        while True:
            try:
                async with asyncio.timeout(_DROPS_LOGGED_EVERY_S):
                    return await airing.publisher.failure()
            except TimeoutError:
                dropped = airing.queue.frames_dropped
                if dropped > logged:
                    log.warning("target_drops target=%s frames=%d", self.id, dropped - logged)
                    logged = dropped


class _Airing:
    """One live connection: moves packets from the fan-out's queue to the publisher.

    Packets go out in the call that brings them, without a task in between. Timestamps begin at
    zero with the first keyframe, as encoders' do: nothing but a message's header differs between
    targets.
    """

    def __init__(self, publisher: Publisher, fanout: Fanout) -> None:
        self.publisher = publisher
        self.frames_sent = 0
        self._begin_dts: int | None = None
        self._timestamp_ms = 0
        if fanout.metadata:
            publisher.send(("data", 0, fanout.metadata))
        self.queue = fanout.subscribe(self._pump)
        publisher.on_writable = self._pump
        self._pump()

    def _pump(self) -> None:
        while self.publisher.writable and (messages := self._next()):
            self.publisher.send(*messages)

    def _next(self) -> list[MediaMessage]:
        messages: list[MediaMessage] = []
        while len(messages) < _AT_ONCE and (packet := self.queue.pop()) is not None:
            if not packet.is_header:
                if self._begin_dts is None:
                    self._begin_dts = packet.dts
                self._timestamp_ms = (packet.dts - self._begin_dts) // _TICKS_PER_MS
                self.frames_sent += packet.kind == "video"
            messages.append((packet.kind, self._timestamp_ms, packet.payload))
        return messages
