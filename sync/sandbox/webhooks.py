"""Webhooks on their way: signed, delivered, tried again as TikTok does, and dropped."""

import asyncio
import logging
from collections import Counter, deque

import aiohttp
import msgspec

from sync.sandbox.clock import SandboxClock
from sync.sandbox.events import Json
from sync.sandbox.ids import Ids
from sync.sandbox.sellers import Shop
from sync.sandbox.signing import webhook_signature
from sync.sandbox.tasks import stop
from sync.sandbox.wire import EVENT_TYPES, WEBHOOK_SIGNATURE_HEADER

log = logging.getLogger(__name__)

ANSWER_WITHIN_S = 3.0
RETRIES_AT_S = (2 * 60, 30 * 60, 3 * 3600, 12 * 3600)
"""When a webhook is tried again, counted from the first try."""

_AT_ONCE = 32
_REMEMBERED = 200


class Notification(msgspec.Struct):
    """One webhook; `first_tried_at` is in the sandbox's unix seconds."""

    id: str
    event: str
    address: str
    body: bytes
    attempts: int = 0
    first_tried_at: float | None = None


class Tampering(msgspec.Struct):
    """What befalls the next webhooks: so many are lost, sent twice, held back until the next
    one has gone before them, or sent `delay_s` later than they would be."""

    lose: int = 0
    double: int = 0
    reorder: int = 0
    delay: int = 0
    delay_s: float = 0.0


class Outcome(msgspec.Struct, frozen=True):
    """One try; `status` is the HTTP status, 0 without an answer."""

    id: str
    event: str
    attempt: int
    status: int


class Courier:
    """Sends webhooks while its context lasts."""

    def __init__(self, clock: SandboxClock, ids: Ids, app_key: str, app_secret: str) -> None:
        self.tampering = Tampering()
        self.answer_within_s = ANSWER_WITHIN_S
        self.counts: Counter[str] = Counter()
        """How many were sent, delivered, failed (tries), dropped, lost, doubled, reordered,
        delayed."""
        self.recent: deque[Outcome] = deque(maxlen=_REMEMBERED)
        self._clock = clock
        self._ids = ids
        self._app_key = app_key
        self._app_secret = app_secret
        self._queue: asyncio.Queue[Notification] = asyncio.Queue()
        self._held: list[Notification] = []
        self._session: aiohttp.ClientSession | None = None
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Courier":
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self._workers = [asyncio.create_task(self._work(self._session)) for _ in range(_AT_ONCE)]
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await stop(*self._workers)
        finally:
            if self._session is not None:
                await self._session.close()

    def send(self, shop: Shop, event: str, data: Json) -> None:
        """Tell of `event` at the address that `shop` has for it, if it has one."""
        subscription = shop.webhooks.get(event)
        if subscription is None:
            return
        notification_id = self._ids.next("notification")
        body = msgspec.json.encode(
            {
                "type": EVENT_TYPES[event],
                "tts_notification_id": notification_id,
                "shop_id": shop.id,
                "timestamp": self._clock.seconds(),
                "data": data,
            }
        )
        self.counts["sent"] += 1
        self._depart(Notification(notification_id, event, subscription.address, body))

    def release(self) -> None:
        """Send what is held back to be reordered, last first."""
        for each in reversed(self._held):
            self._queue.put_nowait(each)
        self._held.clear()

    async def settled(self) -> None:
        """Wait until every webhook on its way has had its try."""
        await self._queue.join()

    def _depart(self, notification: Notification) -> None:
        fate = self.tampering
        if fate.lose > 0:
            fate.lose -= 1
            self.counts["lost"] += 1
            return
        if fate.reorder > 0:
            fate.reorder -= 1
            self.counts["reordered"] += 1
            self._held.append(notification)
            return
        if fate.delay > 0:
            fate.delay -= 1
            self.counts["delayed"] += 1
            self._clock.after(fate.delay_s, lambda: self._queue.put_nowait(notification))
            return
        copies = 1
        if fate.double > 0:
            fate.double -= 1
            self.counts["doubled"] += 1
            copies = 2
        for _ in range(copies):
            self._queue.put_nowait(notification)
        self.release()

    async def _work(self, session: aiohttp.ClientSession) -> None:
        while True:
            notification = await self._queue.get()
            try:
                await self._try(session, notification)
            finally:
                self._queue.task_done()

    async def _try(self, session: aiohttp.ClientSession, notification: Notification) -> None:
        if notification.first_tried_at is None:
            notification.first_tried_at = self._clock.now()
        notification.attempts += 1
        attempt = notification.attempts
        status = await self._post(session, notification)
        self.recent.append(Outcome(notification.id, notification.event, attempt, status))
        if 200 <= status < 300:
            self.counts["delivered"] += 1
            return
        self.counts["failed"] += 1
        if attempt > len(RETRIES_AT_S):
            self.counts["dropped"] += 1
            log.info("webhook_dropped id=%s event=%s", notification.id, notification.event)
            return
        self._clock.at(
            notification.first_tried_at + RETRIES_AT_S[attempt - 1],
            lambda: self._queue.put_nowait(notification),
        )

    async def _post(self, session: aiohttp.ClientSession, notification: Notification) -> int:
        signature = webhook_signature(self._app_key, self._app_secret, notification.body)
        try:
            async with session.post(
                notification.address,
                data=notification.body,
                headers={
                    WEBHOOK_SIGNATURE_HEADER: signature,
                    "content-type": "application/json",
                },
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=self.answer_within_s),
            ) as response:
                return response.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            log.debug("webhook_failed id=%s error=%r", notification.id, error)
            return 0
