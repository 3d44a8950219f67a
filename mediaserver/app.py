"""The server: everything built from the settings, run in one task group, and taken down again."""

import asyncio
import contextlib
import gc
import logging
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from mediaserver.airings import AirLog
from mediaserver.allocator import give_memory_back
from mediaserver.api import keys, whep, whip
from mediaserver.api.news import shop_news
from mediaserver.api.routes import application
from mediaserver.clock import MonotonicClock
from mediaserver.commerce import Kept, Showing, supervised, trading
from mediaserver.errors import ConfigError
from mediaserver.lease import Leases, holder_name
from mediaserver.loop_lag import LoopLag
from mediaserver.media import Media
from mediaserver.next_show import is_on_air, next_rundown
from mediaserver.node import Node
from mediaserver.preview import Previews
from mediaserver.product_pictures import ProductPictures
from mediaserver.rate_limit import RateLimit
from mediaserver.recordings import Recordings
from mediaserver.redis_server import RedisServer, data_dir_lock
from mediaserver.rtmp_feeds import RtmpFeeds
from mediaserver.rundowns import Rundowns
from mediaserver.sales import ShowSales
from mediaserver.secret import RedactingFormatter, keys_of, token_of
from mediaserver.settings import (
    HttpSettings,
    SecretSettings,
    Settings,
    StoreSettings,
    tls_context,
)
from mediaserver.shopkeeper import Shopkeeper
from mediaserver.stills import Stills, Thumbnails
from mediaserver.store import Store
from mediaserver.webrtc.session import WhipSessions
from mediaserver.webrtc.transport import IceSettings
from mediaserver.webrtc.viewing import Viewers
from sync.connection import Connection
from sync.errors import StoreUnavailable
from sync.secret import Secret, Vault
from sync.store.airings import Airings
from sync.store.lease import Lease as SyncLease

log = logging.getLogger(__name__)

_HTTP_CLOSE_TIMEOUT_S = 0.3
_HTTP_ENDED_S = 0.8
_SESSIONS_ENDED_S = 1.1
_SHOWS_ENDED_S = 3.8
_REDIS_ENDED_S = 4.5
"""When each stage of the end is over at the latest, counted from its beginning: within 5 s of
SIGTERM, whatever peers do."""

_SHORTEST_STAGE_S = 0.2

_GC_THRESHOLDS = 700, 10, 100
"""A full collection, which stops every thread for some ms, ten times more rarely than usual: with
200 orders a second there were enough of them to make ticks late."""

_SWITCH_INTERVAL_S = 0.0002
"""How long a thread that runs Python is let run while another waits. A canvas's thread waits
several times a tick: with Python's 5 ms, a loop that is busy with orders made ticks late."""

_GUESSES, _GUESSES_PER_S = 30, 1.0
"""How many unknown tokens one address may send at once, and then a second."""


@dataclass(frozen=True)
class Server:
    """A server that answers; `base_url` is how the world reaches it."""

    base_url: str
    node: Node
    owner_token: Secret


def log_to_stderr(level: str) -> None:
    """Set logging up, once for the process. Secrets are masked whoever logs them."""
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for chatty in ("aiohttp.access", "aioice", "aiortc", "libav"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises ConfigError for what only shows when it is tried."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as server, task_group() as tasks:
        tasks.create_task(give_memory_back(), name="give-memory-back")
        # What was imported stays to the end. Left to the collector, a full collection looks at
        # some 84,000 objects and stops every thread for 20 ms, of which a frame has 33.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        log.info("listening url=%s", server.base_url)
        await stop.wait()
        log.info("ending")
    log.info("ended")


@contextlib.asynccontextmanager
async def running(settings: Settings, media: Media | None = None) -> AsyncIterator[Server]:
    """A server while the context lasts; `media` is made from the settings unless given.

    Raises ConfigError, or StoreUnavailable when our own Redis does not start.
    """
    clock = MonotonicClock()
    recordings = Recordings(
        settings.store.data_dir / "recordings",
        reserve_bytes=settings.recording.reserve_mib << 20,
        now=time.time,
    )
    media = media or Media(
        clock=clock,
        recordings=recordings,
        x264_preset=settings.encoder.x264_preset,
        keyframe_interval_s=settings.encoder.keyframe_interval_s,
    )
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(data_dir_lock(settings.store.data_dir))
        for warning in settings.warnings:
            log.warning("settings text=%r", warning)
        owner_token, vault = _secrets(settings.secrets, settings.store)
        http, rtmp = settings.http, settings.rtmp
        listener = stack.enter_context(_bound(http.host, http.port, "SHOPCAST_PORT"))
        rtmp_listener = None
        if rtmp.port is not None:
            rtmp_listener = stack.enter_context(
                _bound(http.host, rtmp.port, "SHOPCAST_RTMP_PORT", "; set another port, or off")
            )
        base_url = _base_url(settings.http, listener.getsockname()[1])
        server_id = _server_id(settings.store)
        name = holder_name(base_url, f"{server_id}.{secrets.token_hex(3)}")
        end = End()
        redis_url, redis = await _redis(settings.store, stack, end)
        store = Store(Connection(redis_url), writer=name)
        stack.push_async_callback(store.connection.close)
        tasks = await stack.enter_async_context(task_group())
        if redis is not None:
            tasks.create_task(redis.supervise(), name="redis")
        air_log = AirLog(Airings(store.connection), time.time)
        tasks.create_task(supervised("air-log", air_log.run), name="air-log")
        stack.push_async_callback(air_log.close)  # after the shows have ended
        leases = Leases(store, holder=name)
        node = Node(
            tasks=tasks,
            store=store,
            leases=leases,
            vault=vault,
            media=media,
            capacity=settings.capacity,
            owner_token=owner_token,
            clock=clock,
            resume_within_s=settings.show.resume_within_s,
            on_target=air_log.note,
        )
        tasks.create_task(store.connection.watch(node.store_back), name="store")
        if redis is not None:
            # With the data dir locked, a lease in its Redis can only be of a run that is dead.
            with contextlib.suppress(StoreUnavailable):  # it runs out by itself
                await leases.free()
                await SyncLease(store.connection, holder=name).free()
        await node.shows()
        tasks.create_task(node.run(), name="leases")
        stack.push_async_callback(lambda: end.stage("shows", _SHOWS_ENDED_S, node.close()))
        commerce = await stack.enter_async_context(
            trading(
                store.connection,
                vault,
                settings.tiktok,
                settings.shop,
                Kept(settings.store.data_dir, settings.recording.reserve_mib << 20),
                base_url=base_url,
                holder=name,
                showing=_showing(node),
                tasks=tasks,
            )
        )
        rundowns = Rundowns(commerce.badges, store.connection, lambda: node.known, commerce.now)
        pictures = ProductPictures(commerce.stores.images, commerce.image_files, lambda: node.known)
        tasks.create_task(supervised("product-pictures", pictures.run), name="product-pictures")
        news = shop_news(commerce)
        show_sales = ShowSales(commerce.sales, lambda: node.known)
        Shopkeeper(commerce.notices, commerce.badges, rundowns, news, commerce.sales).start(tasks)
        ice = IceSettings(
            host=settings.http.host,
            public_ip=settings.webrtc.public_ip,
            udp_ports=settings.webrtc.udp_ports,
            servers=settings.webrtc.ice_servers,
        )
        sessions = WhipSessions(ice, clock)
        viewers = Viewers(ice, settings.capacity.viewers, clock)
        stack.push_async_callback(
            lambda: end.stage(
                "sessions",
                _SESSIONS_ENDED_S,
                asyncio.gather(sessions.close_all(), viewers.close_all()),
            )
        )
        guesses = RateLimit(_GUESSES, _GUESSES_PER_S, clock)
        rtmp_base = None
        if rtmp_listener is not None:
            feeds = RtmpFeeds(
                node,
                base_url=base_url,
                guesses=guesses,
                clock=clock,
                most_feeds=settings.capacity.feeds,
            )
            rtmp_base = _rtmp_base(base_url, rtmp_listener.getsockname()[1])
            stack.push_async_callback(
                lambda: end.stage("encoders", _SESSIONS_ENDED_S, feeds.stop())
            )
            await feeds.start(rtmp_listener)
        app = application([*whip.routes(node, sessions, clock), *whep.routes(viewers, clock)])
        stills = Stills(clock)
        thumbnails = Thumbnails(stills)
        stack.callback(thumbnails.close)
        loop_lag = LoopLag()
        stack.callback(loop_lag.stop)
        app[keys.CLOCK] = clock
        app[keys.COMMERCE] = commerce
        app[keys.DEPLOYMENT] = keys.Deployment(
            base_url, settings.warnings, foreign_store=redis is None, rtmp_base=rtmp_base
        )
        app[keys.GUESSES] = guesses
        app[keys.LOOP_LAG] = loop_lag
        app[keys.NODE] = node
        app[keys.PREVIEWS] = Previews(thumbnails)
        app[keys.PRODUCT_PICTURES] = pictures
        app[keys.RECORDINGS] = recordings
        app[keys.RUNDOWNS] = rundowns
        app[keys.SHOP_NEWS] = news
        app[keys.SHOW_SALES] = show_sales
        app[keys.STILLS] = stills
        app[keys.STORE] = store
        app[keys.THUMBNAILS] = thumbnails
        app[keys.VAULT] = vault
        app.on_shutdown.append(node.hush)
        app.on_shutdown.append(news.hush)
        await _listen(app, listener, settings.http, stack, end)
        yield Server(base_url, node, owner_token)


def _showing(node: Node) -> Showing:
    return Showing(
        lambda: next_rundown([show.record for show in node.known], time.time()),
        lambda: is_on_air(show.record for show in node.known),
    )


def _secrets(given: SecretSettings, store: StoreSettings) -> tuple[Secret, Vault]:
    path = store.data_dir / "admin-token"
    try:
        token = given.admin_token or token_of(path)
        path = store.data_dir / "secret-keys"
        return token, Vault(given.secret_keys or keys_of(path))
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from error
    except ValueError as error:
        raise ConfigError([f"{path}: {error}"]) from error


def _server_id(store: StoreSettings) -> str:
    """What tells this server from others on its Redis, in all of its runs: made once."""
    path = store.data_dir / "server-id"
    try:
        with contextlib.suppress(FileExistsError), path.open("x") as file:
            file.write(secrets.token_hex(4))
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: {error}"]) from error


def _bound(host: str, port: int, variable: str, hint: str = "") -> socket.socket:
    """A socket to listen on. Raises ConfigError when the address cannot be had."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind)
    except OSError as error:
        raise ConfigError([f"SHOPCAST_HOST: {host}: {error.strerror}"]) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise ConfigError(
            [f"SHOPCAST_HOST, {variable}: {host} port {port}: {error.strerror}{hint}"]
        ) from error
    return listener


def _base_url(http: HttpSettings, port: int) -> str:
    """How the world reaches us, as far as the settings say."""
    if http.public_url is not None:
        return http.public_url
    host = "localhost" if http.host in ("0.0.0.0", "::") else http.host
    return f"{'https' if http.tls_cert else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _rtmp_base(base_url: str, port: int) -> str:
    """Where encoders publish, as the world reaches us."""
    host = urlsplit(base_url).hostname or ""
    return f"rtmp://{f'[{host}]' if ':' in host else host}:{port}/live"


async def _redis(
    settings: StoreSettings, stack: contextlib.AsyncExitStack, end: "End"
) -> tuple[str, RedisServer | None]:
    """The address of Redis, and, where none is given, our own, started."""
    if settings.redis_url is not None:
        return settings.redis_url.reveal(), None
    server = RedisServer(settings.data_dir)
    stack.push_async_callback(lambda: server.stop(end.left_s(_REDIS_ENDED_S)))
    await server.start()
    return server.url, server


class _Ending(Exception):
    """Ends the tasks of a group."""


@contextlib.asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """The root of all tasks; they are cancelled when the context ends."""
    try:
        async with asyncio.TaskGroup() as tasks:
            yield tasks
            raise _Ending
    except* _Ending:
        pass


class End:
    """The end of a server: stages with one deadline each, all counted from the first one's
    beginning, so that what a quick one leaves over is the next one's."""

    def __init__(self) -> None:
        self._began_s: float | None = None

    def left_s(self, ended_s: float) -> float:
        """What a stage that is to be over `ended_s` after the beginning has now."""
        now = asyncio.get_running_loop().time()
        if self._began_s is None:
            self._began_s = now
        return max(self._began_s + ended_s - now, _SHORTEST_STAGE_S)

    async def stage(self, what: str, ended_s: float, closing: Awaitable[object]) -> None:
        try:
            async with asyncio.timeout(self.left_s(ended_s)):
                await closing
        except TimeoutError:
            log.error("did_not_end what=%s", what)


async def _listen(
    app: web.Application,
    listener: socket.socket,
    http: HttpSettings,
    stack: contextlib.AsyncExitStack,
    end: End,
) -> None:
    tls = tls_context(http.tls_cert, http.tls_key) if http.tls_cert else None
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_HTTP_CLOSE_TIMEOUT_S)
    await runner.setup()
    stack.push_async_callback(lambda: end.stage("http", _HTTP_ENDED_S, runner.cleanup()))
    await web.SockSite(runner, listener, ssl_context=tls).start()
