"""How far the sync is, and up to when TikTok was searched for changes."""

import msgspec

from sync.connection import Connection
from sync.model import ProductId, SkuId
from sync.store.keys import NOTICES, key
from sync.store.lease import Fence, save_fenced
from sync.store.notices import encoded

PROGRESS = key("progress")
SEARCHED = key("searched")
ESCROWED = key("escrowed-shop")
"""The id of the shop at TikTok that quotas are for."""


class Failed(msgspec.Struct, frozen=True):
    """A product that TikTok did not take, why, and when it is tried again (unix seconds)."""

    product: ProductId
    code: str
    message: str
    tries: int
    retry_at: float


class Drift(msgspec.Struct, frozen=True):
    """A SKU of which TikTok offered `units` more than were set aside for it: somebody has changed
    its stock there."""

    product: ProductId
    sku: SkuId
    units: int
    at: float


class Progress(msgspec.Struct, frozen=True):
    """Products that are at TikTok as they should be, that are still to be done, and that failed,
    the first of them with their reasons; `left_out` are not to be there. `per_s` is how many were
    done a second of late. `paused` says why nothing is sent, or nothing of some products, since
    TikTok does not tell what it asks of them, "" else. `drifts` are the last ones found."""

    done: int = 0
    waiting: int = 0
    failed: int = 0
    left_out: int = 0
    per_s: float = 0.0
    paused: str = ""
    failures: tuple[Failed, ...] = ()
    drifts: tuple[Drift, ...] = ()
    at: float = 0.0


class Searched(msgspec.Struct, frozen=True):
    """Every change at TikTok before `upto` (its unix seconds) has been read, by a search that
    began at `began_at`; all products were, by one that began at `all_at`."""

    upto: int
    began_at: float
    all_at: float


class ProgressStore:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def get(self) -> Progress:
        document = await self._connection.asked(lambda: self._redis.get(PROGRESS))
        return Progress() if document is None else msgspec.json.decode(document, type=Progress)

    async def save(self, progress: Progress, fence: Fence) -> None:
        """Raises LeaseLost."""
        document = msgspec.json.encode(progress)
        await save_fenced(self._connection, fence, PROGRESS, document, NOTICES, encoded("progress"))

    async def searched(self) -> Searched | None:
        document = await self._connection.asked(lambda: self._redis.get(SEARCHED))
        return None if document is None else msgspec.json.decode(document, type=Searched)

    async def save_searched(self, searched: Searched, fence: Fence) -> None:
        """Raises LeaseLost."""
        document = msgspec.json.encode(searched)
        await save_fenced(self._connection, fence, SEARCHED, document, NOTICES, b"")

    async def escrowed_shop(self) -> str:
        """ "" where none is known."""
        found = await self._connection.asked(lambda: self._redis.get(ESCROWED))
        return "" if found is None else str(found.decode())

    async def save_escrowed_shop(self, shop: str, fence: Fence) -> None:
        """Raises LeaseLost."""
        await save_fenced(self._connection, fence, ESCROWED, shop.encode(), NOTICES, b"")
