"""Nodes without HTTP, on a real Redis, with real media of a small size."""

import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from mediaserver.app import task_group
from mediaserver.clock import Clock, MonotonicClock
from mediaserver.lease import Leases
from mediaserver.media import Media
from mediaserver.node import Node
from mediaserver.packet import CanvasId
from mediaserver.recordings import Recordings
from mediaserver.secret import new_token
from mediaserver.settings import CapacitySettings
from mediaserver.state import CanvasRecord
from mediaserver.store import Store
from sync.connection import Connection
from sync.secret import Secret, Vault

LANDSCAPE = CanvasId("landscape")
SMALL = CanvasRecord(320, 180, 30, 200_000, {"preset": "side-by-side"})


@dataclass
class Running:
    node: Node
    store: Store
    leases: Leases
    owner_token: Secret


@contextlib.asynccontextmanager
async def node_on(
    redis_url: str,
    vault: Vault,
    *,
    name: str = "first",
    ttl_s: float = 10.0,
    clock: Clock | None = None,
    now: Callable[[], float] = time.time,
) -> AsyncIterator[Running]:
    """A node; leases are renewed when a test calls `node.keep`, or each third of `ttl_s`."""
    clock = clock or MonotonicClock()
    store = Store(Connection(redis_url), writer=name)
    owner_token = new_token("owner")
    try:
        async with task_group() as tasks:
            leases = Leases(store, holder=name, ttl_s=ttl_s, now=now)
            node = Node(
                tasks=tasks,
                store=store,
                leases=leases,
                vault=vault,
                media=Media(
                    clock=clock,
                    recordings=Recordings(Path(os.devnull), reserve_bytes=0, now=time.time),
                    x264_preset="ultrafast",
                ),
                capacity=CapacitySettings(),
                owner_token=owner_token,
                clock=clock,
                now=now,
            )
            tasks.create_task(store.connection.watch(node.store_back))
            yield Running(node, store, leases, owner_token)
            await node.close()
    finally:
        await store.connection.close()
