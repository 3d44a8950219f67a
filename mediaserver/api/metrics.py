"""What Prometheus reads: everything counted, nothing secret."""

from collections import Counter
from collections.abc import Iterator

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from mediaserver.api.keys import LOOP_LAG, NODE, STORE
from mediaserver.loop_lag import LoopLag
from mediaserver.node import Node
from mediaserver.store import Store


async def metrics(request: web.Request) -> web.Response:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Shows(request.app[NODE], request.app[STORE]))
    registry.register(_Loop(request.app[LOOP_LAG]))
    return web.Response(
        body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
    )


class _Shows(Collector):
    """Reads the shows when it is asked, so nothing is counted twice."""

    def __init__(self, node: Node, store: Store) -> None:
        self._node = node
        self._store = store

    def collect(self) -> Iterator[Metric]:
        shows = self._node.known
        yield GaugeMetricFamily(
            "shopcast_store_available",
            "1 while Redis answers",
            float(self._store.connection.available),
        )
        yield GaugeMetricFamily("shopcast_shows", "Shows this server knows", len(shows))
        yield GaugeMetricFamily(
            "shopcast_shows_on_air",
            "Shows this server has on air",
            sum(show.on_air for show in shows),
        )
        states = Counter(feed.state() for show in shows for feed in show.feeds().values())
        feeds = GaugeMetricFamily("shopcast_feeds", "Feeds by state", labels=["state"])
        for state in ("waiting", "on", "frozen", "away", "gone"):
            feeds.add_metric([state], states[state])
        yield feeds
        yield from self._programs()
        yield from self._targets()

    def _programs(self) -> Iterator[Metric]:
        labels = ["show", "canvas"]
        frames = CounterMetricFamily("shopcast_program_frames", "Frames encoded", labels=labels)
        late = CounterMetricFamily("shopcast_program_late_ticks", "Ticks late", labels=labels)
        fps = GaugeMetricFamily("shopcast_program_fps", "Frames in the last second", labels=labels)
        for show in self._node.known:
            for canvas_id, stats in show.program_stats().items():
                frames.add_metric([show.id, canvas_id], stats.frames)
                late.add_metric([show.id, canvas_id], stats.late_ticks)
                fps.add_metric([show.id, canvas_id], stats.fps)
        yield from (frames, late, fps)

    def _targets(self) -> Iterator[Metric]:
        labels = ["show", "target"]
        sent = CounterMetricFamily("shopcast_target_sent_bytes", "Bytes sent", labels=labels)
        frames = CounterMetricFamily("shopcast_target_sent_frames", "Frames sent", labels=labels)
        dropped = CounterMetricFamily(
            "shopcast_target_dropped_frames", "Frames the target was too slow for", labels=labels
        )
        retries = CounterMetricFamily("shopcast_target_retries", "Reconnections", labels=labels)
        live = GaugeMetricFamily("shopcast_target_live", "1 while it is live", labels=labels)
        for show in self._node.known:
            for target_id in show.record.targets:
                status = show.target_status(target_id)
                if status is None:
                    continue
                named = [show.id, target_id]
                sent.add_metric(named, status.bytes_sent)
                frames.add_metric(named, status.frames_sent)
                dropped.add_metric(named, status.frames_dropped)
                retries.add_metric(named, status.retries)
                live.add_metric(named, float(status.status == "live"))
        yield from (sent, frames, dropped, retries, live)


class _Loop(Collector):
    """How late the event loop was in the last minute."""

    def __init__(self, loop_lag: LoopLag) -> None:
        self._loop_lag = loop_lag

    def collect(self) -> Iterator[Metric]:
        lag = GaugeMetricFamily(
            "shopcast_loop_lag_seconds",
            "Lateness of the event loop that this share of the last minute's calls stayed within",
            labels=["quantile"],
        )
        shares = (0.5, 0.95, 0.99, 1.0)
        for share, lag_s in zip(shares, self._loop_lag.quantiles(*shares), strict=True):
            lag.add_metric([str(share)], lag_s)
        yield lag
