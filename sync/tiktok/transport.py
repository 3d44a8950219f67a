"""Requests to TikTok Shop, signed, paced and tried again: from a Call to a record of its answer."""

import asyncio
import json
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

import aiohttp
import msgspec
from yarl import URL

from sync.secret import Secret
from sync.tiktok import wire
from sync.tiktok.errors import (
    RateLimited,
    TikTokError,
    TikTokUnavailable,
    TokenExpired,
    TokenRefused,
    Unreadable,
)
from sync.tiktok.pace import Pace
from sync.tiktok.reading import Missing, Note, read
from sync.tiktok.refusals import error_of
from sync.tiktok.signing import sign

log = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 5
FIRST_BACKOFF_S = 1.0
LONGEST_BACKOFF_S = 60.0
JITTER_S = 0.5
"""A try again waits 1 s, doubling to 60 s, and up to this much more."""

LONGEST_RETRY_AFTER_S = 120.0
"""Who is told to wait longer is not kept waiting: RateLimited says for how long."""

LONGEST_TURN_S = 600.0
"""How long a request may wait for its turn behind others of its kind."""

LARGEST_ANSWER = 64 << 20
LARGE_ANSWER = 128 << 10
"""Larger ones are read on a thread, so that a show on the same loop does not stutter."""

MOST_NOTES = 1_000
LONGEST_NOTE = 2_000


class App(msgspec.Struct, frozen=True):
    """This app, as TikTok has registered it."""

    key: str
    secret: Secret
    api_url: str = wire.API_URL
    auth_url: str = wire.AUTH_URL


class TokenSource(Protocol):
    """Where the access token of the connected seller comes from. Both raise NotAuthorized when
    there is none."""

    async def access_token(self) -> Secret: ...

    async def renewed(self, stale: Secret) -> Secret:
        """The token after `stale`, which TikTok calls expired: however many ask at once."""
        ...


class Upload(msgspec.Struct, frozen=True):
    """The parts of a multipart/form-data body."""

    data: bytes
    fields: Mapping[str, str]


class _Lane:
    """Requests of one kind, for one shop: TikTok counts them apart. First come, first served."""

    def __init__(self, now: float) -> None:
        self.pace = Pace(now)
        self.queue = asyncio.Lock()


class Transport:
    """One app's way to TikTok Shop.

    `now` tells Unix seconds and `clock` monotonic ones; `jitter` gives numbers from 0 to 1. With
    `timeout_s` no answer may take longer, whatever its Call allows.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        app: App,
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        timeout_s: float | None = None,
    ) -> None:
        self._session = session
        self._app = app
        self._now = now
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._timeout_s = timeout_s
        self._lanes: dict[tuple[str, wire.ShopCipher | None], _Lane] = {}
        self._noted: set[tuple[str, Note]] = set()

    async def ask(
        self,
        call: wire.Call,
        answer: type[T],
        tokens: TokenSource,
        *,
        cipher: wire.ShopCipher | None = None,
        id: str | None = None,
        query: Mapping[str, str] | None = None,
        body: wire.Body | Upload | None = None,
    ) -> T:
        """Do `call` and read the data of its answer. Raises TikTokError."""
        path = call.path if id is None else wire.filled(call, id)
        parameters = {**(query or {}), **({} if cipher is None else {"shop_cipher": cipher})}
        content = msgspec.json.encode(body) if isinstance(body, dict) else b""
        upload = body if isinstance(body, Upload) else None
        token = await tokens.access_token()

        async def send() -> Any:
            signed = parameters | {"app_key": self._app.key, "timestamp": str(int(self._now()))}
            signed["sign"] = sign(self._app.secret, path, signed, content)
            headers = {wire.ACCESS_TOKEN_HEADER: token.reveal()}
            if upload is None:
                headers["Content-Type"] = "application/json"
            url = URL(self._app.api_url).with_path(path).with_query(signed)
            data = content or None if upload is None else _form(upload)
            return await self._answer(call, url, headers, data, (token, self._app.secret))

        try:
            raw = await self._tried(call, cipher, send)
        except (TokenExpired, TokenRefused) as error:
            used = token
            if isinstance(error, TokenExpired):
                token = await tokens.renewed(used)
            else:
                token = await tokens.access_token()  # it may have been renewed meanwhile
                if token == used:
                    raise
            raw = await self._tried(call, cipher, send)
        return await self._record(call, answer, raw)

    async def authorize(
        self, call: wire.Call, query: Mapping[str, str], secrets: Mapping[str, Secret]
    ) -> wire.TokenAnswer:
        """Do one of the unsigned calls of the token host, whose URLs carry `secrets`."""
        hidden = {**secrets, "app_secret": self._app.secret}
        revealed = {name: secret.reveal() for name, secret in hidden.items()}
        url = URL(self._app.auth_url).with_path(call.path)
        url = url.with_query({"app_key": self._app.key, **query, **revealed})

        async def send() -> Any:
            return await self._answer(call, url, {}, None, tuple(hidden.values()))

        raw = await self._tried(call, None, send)
        return await self._record(call, wire.TokenAnswer, raw)

    async def _tried(
        self,
        call: wire.Call,
        cipher: wire.ShopCipher | None,
        send: Callable[[], Awaitable[Any]],
    ) -> Any:
        lane = self._lanes.setdefault((call.name, cipher), _Lane(self._clock()))
        attempt = 0
        while True:
            attempt += 1
            sent_at = await self._turn(call, lane)
            try:
                raw = await send()
            except RateLimited as error:
                lane.pace.refused(sent_at, self._clock(), error.retry_after_s)
                if attempt == TRIES or (error.retry_after_s or 0.0) > LONGEST_RETRY_AFTER_S:
                    raise
                wait_s = 0.0  # the lane waits, and all that want to follow
                failure: TikTokError = error
            except TikTokUnavailable as error:
                if attempt == TRIES or not call.repeatable:
                    raise
                wait_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** (attempt - 1))
                failure = error
            except TikTokError:
                lane.pace.accepted(sent_at)
                raise
            else:
                lane.pace.accepted(sent_at)
                return raw
            log.info("tiktok_tries_again call=%s tried=%d error=%s", call.name, attempt, failure)
            await self._sleep(wait_s + JITTER_S * self._jitter())

    async def _turn(self, call: wire.Call, lane: _Lane) -> float:
        """Wait until the pace lets one more request go; the time it goes."""
        try:
            async with asyncio.timeout(LONGEST_TURN_S), lane.queue:
                while wait_s := lane.pace.wait_s(self._clock()):
                    if wait_s > LONGEST_RETRY_AFTER_S:
                        raise RateLimited(
                            f"TikTok takes no {call.name} for now", retry_after_s=wait_s
                        )
                    await self._sleep(wait_s)
                now = self._clock()
                lane.pace.take(now)
                return now
        except TimeoutError:
            raise RateLimited(f"no turn for {call.name} in {LONGEST_TURN_S:.0f} s") from None

    async def _answer(
        self,
        call: wire.Call,
        url: URL,
        headers: Mapping[str, str],
        data: bytes | aiohttp.FormData | None,
        secrets: tuple[Secret, ...],
    ) -> Any:
        """The data of the envelope. Raises TikTokError, never with the URL in it."""
        timeout = aiohttp.ClientTimeout(total=self._timeout_s or call.timeout_s)
        try:
            async with self._session.request(
                call.method,
                url,
                headers=headers,
                data=data,
                timeout=timeout,
                allow_redirects=False,  # they would carry the token to who knows where
            ) as response:
                content = await _content(response)
                status = response.status
                retry_after = response.headers.get("Retry-After")
        except TimeoutError:
            raise TikTokUnavailable(f"no answer to {call.name} in time") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # What these say may have the URL in it, which has secrets in it.
            raise TikTokUnavailable(f"no answer to {call.name}: {type(error).__name__}") from None
        if len(content) > LARGE_ANSWER:
            envelope = await asyncio.to_thread(_decoded, content)
        else:
            envelope = _decoded(content)
        refusal = error_of(call.name, status, envelope, retry_after)
        if refusal is None:
            return {} if envelope.get("data") is None else envelope["data"]
        for secret in secrets:
            refusal.hide(secret)
        raise refusal

    async def _record(self, call: wire.Call, answer: type[T], raw: Any) -> T:
        large = isinstance(raw, dict) and any(
            isinstance(part, list) and len(part) > 100 for part in raw.values()
        )
        try:
            if large:
                record, notes = await asyncio.to_thread(read, answer, raw)
            else:
                record, notes = read(answer, raw)
        except Missing as error:
            raise Unreadable(f"TikTok's answer to {call.name} has no {error.path}") from None
        self._note(call, notes)
        return record

    def _note(self, call: wire.Call, notes: set[Note]) -> None:
        """Log what our records do not know, each once."""
        fresh = {note for note in notes if (call.name, note) not in self._noted}
        if not fresh or len(self._noted) >= MOST_NOTES:
            return
        self._noted.update((call.name, note) for note in fresh)
        for kind in sorted({note.kind for note in fresh}):
            at = ",".join(sorted(note.path for note in fresh if note.kind == kind))
            log.info("tiktok_%s call=%s at=%r", kind, call.name, at[:LONGEST_NOTE])


def _decoded(content: bytes) -> Any:
    """The JSON in `content`, None where there is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


async def _content(response: aiohttp.ClientResponse) -> bytes:
    parts = []
    length = 0
    async for part in response.content.iter_any():
        parts.append(part)
        length += len(part)
        if length > LARGEST_ANSWER:
            raise ValueError("an answer longer than anything sensible")
    return b"".join(parts)


def _form(upload: Upload) -> aiohttp.FormData:
    """Made anew for each try: a form can be sent once."""
    form = aiohttp.FormData()
    for name, value in upload.fields.items():
        form.add_field(name, value)
    form.add_field("data", upload.data, filename="image", content_type="application/octet-stream")
    return form
