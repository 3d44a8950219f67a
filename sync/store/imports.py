"""Imports of products: what each has done up to now, kept for a while after it has ended."""

from typing import Literal, NewType

import msgspec

from sync.catalogue.csv_records import Fault
from sync.connection import Connection
from sync.errors import NotFound
from sync.store.keys import NOTICES, key
from sync.store.notices import encoded

ImportId = NewType("ImportId", str)

StockMode = Literal["new", "overwrite"]
"""Whose stock a file sets: that of new SKUs only, or of all."""

KEPT_S = 7 * 24 * 3600


class ImportRecord(msgspec.Struct, frozen=True):
    """One file being taken in. `line` of its `lines` is where it is. `rows` are those taken, of
    products `created`, `changed`, or found as they are; `failed` those left out. Of `faults` and
    `notes` the first are kept, and all are counted. Times are unix seconds; `at` is when it was
    last heard of."""

    id: ImportId
    by: str
    stock: StockMode
    currency: str | None
    lines: int
    began_at: float
    at: float
    ended_at: float | None = None
    state: Literal["running", "done"] = "running"
    line: int = 0
    rows: int = 0
    failed: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    stocks_set: int = 0
    fault_count: int = 0
    faults: tuple[Fault, ...] = ()
    note_count: int = 0
    notes: tuple[Fault, ...] = ()
    ignored: tuple[str, ...] = ()


class Imports:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def get(self, import_id: ImportId) -> ImportRecord:
        """Raises NotFound."""
        document = await self._connection.asked(lambda: self._redis.get(_key(import_id)))
        if document is None:
            raise NotFound("import", import_id)
        return msgspec.json.decode(document, type=ImportRecord)

    async def save(self, record: ImportRecord) -> None:
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.set(_key(record.id), msgspec.json.encode(record), ex=KEPT_S)
        pipeline.publish(NOTICES, encoded("import", record.id))
        await self._connection.asked(pipeline.execute)


def _key(import_id: ImportId) -> str:
    return key(f"import:{import_id}")
