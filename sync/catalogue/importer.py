"""Imports: products of a file go into the catalogue, in batches, without holding anything up.

Whatever has been taken stays when an import is cut short, and the same file once more does what is
left to do: what is there already is not written again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from sync.catalogue.csv_records import Fault
from sync.catalogue.merging import Merged, merged
from sync.catalogue.product_draft import Ids
from sync.catalogue.shopify_csv import STOCK_COLUMN, Entry, entries
from sync.errors import Conflict, Invalid, StoreUnavailable, SyncError
from sync.model import Product
from sync.store.imports import ImportRecord, Imports
from sync.store.products import Products, Write
from sync.store.stock import Stocks, StockSet

MOST_KEPT: Final = 1000
"""Faults, and notes, that are told one by one."""

BATCH_ENTRIES = 50
_BATCH_ROWS = 500

_MOST_TRIES = 5
"""Of one product, when others change it meanwhile."""

_CHANGED_BY_OTHERS = "was changed by others each time it was to be written: import the file again"

_STORE_TRIES = 30
_STORE_PAUSE_S = 1.0
"""How long an import waits for Redis to come back."""

_Batch = list[Entry | Fault]


@dataclass
class Taken:
    """What became of a batch: rows of the file, products, and faults."""

    line: int = 0
    rows: int = 0
    failed: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    stocks_set: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[Fault] = field(default_factory=list)

    @classmethod
    def of(cls, batch: _Batch) -> "Taken":
        """What there is to say of a batch before any of it is written."""
        faults = [each for each in batch if isinstance(each, Fault)]
        lines = {each.line for each in faults}
        return cls(line=max(each.line for each in batch), failed=len(lines), faults=faults)

    def keep(self, plan: Merged, stored: Product) -> None:
        """`stored` is the product as it is now."""
        self.rows += plan.entry.rows
        if plan.base is None:
            self.created += 1
        elif stored.revision != plan.base.revision:
            self.changed += 1
        else:
            self.unchanged += 1
        if plan.note is not None:
            self.notes.append(plan.note)

    def refuse(self, entry: Entry, fault: Fault) -> None:
        self.failed += entry.rows
        self.faults.append(fault)


class Importer:
    """`now` gives unix seconds."""

    def __init__(
        self,
        products: Products,
        stocks: Stocks,
        imports: Imports,
        ids: Ids,
        now: Callable[[], float],
    ) -> None:
        self._products = products
        self._stocks = stocks
        self._imports = imports
        self._ids = ids
        self._now = now

    async def run(self, record: ImportRecord, path: Path) -> ImportRecord:
        """Take in the file at `path`, which `survey` found usable. How far it is, is kept after
        each batch; what became of it in the end is returned, to be kept when the file is gone.

        Raises StoreUnavailable when Redis stays away.
        """
        found = _entries(path, record.currency)
        while batch := await asyncio.to_thread(_batch, found):
            record = _after(record, await self._patiently(batch, record), self._now())
            await self._imports.save(record)
        return msgspec.structs.replace(
            record, state="done", line=record.lines, at=self._now(), ended_at=self._now()
        )

    async def _patiently(self, batch: _Batch, record: ImportRecord) -> Taken:
        """Take a batch; while Redis is away, wait for it. Raises StoreUnavailable."""
        for _ in range(_STORE_TRIES):
            with contextlib.suppress(StoreUnavailable):
                return await self._take(batch, record)
            await asyncio.sleep(_STORE_PAUSE_S)
        return await self._take(batch, record)

    async def _take(self, batch: _Batch, record: ImportRecord) -> Taken:
        taken = Taken.of(batch)
        todo = [each for each in batch if isinstance(each, Entry)]
        for _ in range(_MOST_TRIES):
            if todo:
                todo = await self._write(todo, record, taken)
        for entry in todo:
            taken.refuse(entry, entry.fault(Invalid(_CHANGED_BY_OTHERS)))
        taken.faults.sort(key=lambda fault: fault.line)
        return taken

    async def _write(
        self, todo: Sequence[Entry], record: ImportRecord, taken: Taken
    ) -> list[Entry]:
        """Write products; those that others have changed meanwhile are left."""
        bases = await self._products.by_handle([str(entry.draft.handle) for entry in todo])
        plans = await asyncio.to_thread(self._merged, todo, bases)
        sound = []
        for entry, plan in zip(todo, plans, strict=True):
            if isinstance(plan, Fault):
                taken.refuse(entry, plan)
            else:
                sound.append(plan)
        outcomes = await self._products.save_many(
            [Write(plan.product, plan.base, plan.on_hand, record.by) for plan in sound]
        )
        left, kept = [], []
        for plan, outcome in zip(sound, outcomes, strict=True):
            if isinstance(outcome, SyncError):  # changed, made or deleted by others meanwhile
                left.append(plan.entry)
            else:
                taken.keep(plan, outcome)
                kept.append(plan)
        if record.stock == "overwrite":
            await self._set_stocks(kept, record, taken)
        return left

    def _merged(self, todo: Sequence[Entry], bases: Mapping[str, Product]) -> list[Merged | Fault]:
        return [merged(entry, bases.get(str(entry.draft.handle)), self._ids) for entry in todo]

    async def _set_stocks(self, kept: Sequence[Merged], record: ImportRecord, taken: Taken) -> None:
        """Let SKUs that were there before have the units that the file says."""
        wanted = {
            sku.id: (plan.on_hand[sku.id], plan.lines[sku.id])
            for plan in kept
            if plan.base is not None
            for sku in plan.base.skus
            if sku.id in plan.on_hand
        }
        for _ in range(_MOST_TRIES):
            stocks = await self._stocks.many(list(wanted))
            wanted = {
                sku: wanted[sku] for sku, stock in stocks.items() if stock.on_hand != wanted[sku][0]
            }
            if not wanted:
                return
            changes = [
                StockSet(sku, units, stocks[sku].revision) for sku, (units, _) in wanted.items()
            ]
            answers = await self._stocks.set_many(changes, by=record.by, reason="import")
            for change, answer in zip(changes, answers, strict=True):
                if isinstance(answer, Conflict):
                    _, line = wanted.pop(change.sku)
                    taken.faults.append(Fault(line, STOCK_COLUMN, str(answer)))
                elif not isinstance(answer, SyncError):
                    taken.stocks_set += 1
                    del wanted[change.sku]
        for _, line in wanted.values():
            taken.faults.append(Fault(line, STOCK_COLUMN, _CHANGED_BY_OTHERS))


def _entries(path: Path, currency: str | None) -> Iterator[Entry | Fault]:
    """The file is open while this goes on, and not before."""
    with path.open("rb") as file:
        yield from entries(file, currency)


def _batch(found: Iterator[Entry | Fault]) -> _Batch:
    """The next of `found`, so many as are written together; none at the end."""
    batch: _Batch = []
    products = rows = 0
    for each in found:
        batch.append(each)
        rows += each.rows if isinstance(each, Entry) else 1
        products += isinstance(each, Entry)
        if products == BATCH_ENTRIES or rows >= _BATCH_ROWS:
            break
    return batch


def _after(record: ImportRecord, taken: Taken, at: float) -> ImportRecord:
    return msgspec.structs.replace(
        record,
        at=at,
        line=taken.line,
        rows=record.rows + taken.rows,
        failed=record.failed + taken.failed,
        created=record.created + taken.created,
        changed=record.changed + taken.changed,
        unchanged=record.unchanged + taken.unchanged,
        stocks_set=record.stocks_set + taken.stocks_set,
        fault_count=record.fault_count + len(taken.faults),
        faults=(*record.faults, *taken.faults)[:MOST_KEPT],
        note_count=record.note_count + len(taken.notes),
        notes=(*record.notes, *taken.notes)[:MOST_KEPT],
    )
