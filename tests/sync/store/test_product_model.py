"""What the catalogue may become, against a model of it: any changes, in a real Redis."""

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from mediaserver.redis_server import RedisServer
from sync.catalogue.search import Search
from sync.connection import Connection
from sync.errors import Conflict, NotFound, Stale
from sync.model import Product, ProductId, Sku, SkuId, Stock
from sync.store.keys import HANDLES, PRODUCTS, REVISIONS, SEARCH
from sync.store.products import Products
from sync.store.stock import Stocks
from tests.sync.now import Now
from tests.sync.things import product

NAMES = st.sampled_from(["a", "b", "c"])
HANDLES_SEEN = st.sampled_from(["x", "y", "z"])
SIZES = st.sets(st.sampled_from(["S", "M", "L"]), min_size=1)


def skus(name: str, sizes: set[str]) -> tuple[Sku, ...]:
    return tuple(Sku(SkuId(f"s_{name}{size}"), 100, options=(size,)) for size in sorted(sizes))


class Catalogue(RuleBasedStateMachine):
    """Three products at most at a time; `kept` is what should be there, `read` what somebody read
    last of each name, `units` what was put on the shelf. An id is never used again (`Ids`), so a
    name gets another one when its product was deleted."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        self._runner = self._stack.enter_context(asyncio.Runner())
        data_dir = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._redis_server = RedisServer(data_dir)
        self._runner.run(self._redis_server.start())
        self._connection = Connection(self._redis_server.url)
        self._now = Now()
        self._products = Products(self._connection, self._now)
        self._stocks = Stocks(self._connection, self._now)
        self.kept: dict[ProductId, Product] = {}
        self.ids = {name: ProductId(f"p_{name}0") for name in "abc"}
        self.read: dict[str, Product] = {}
        self.units: dict[SkuId, int] = {}

    def run(self, doing: Any) -> Any:
        return self._runner.run(doing)

    @rule(name=NAMES)
    def somebody_reads(self, name: str) -> None:
        if self.ids[name] in self.kept:
            self.read[name] = self.run(self._products.get(self.ids[name]))

    @rule(name=NAMES, handle=HANDLES_SEEN, sizes=SIZES, units=st.integers(0, 9))
    def make(self, name: str, handle: str, sizes: set[str], units: int) -> None:
        key = self.ids[name]
        whole = product(name, id=key, handle=handle, options=("Size",), skus=skus(key, sizes))
        self._write(whole, None, units)

    @rule(name=NAMES, handle=HANDLES_SEEN, sizes=SIZES, units=st.integers(0, 9))
    def change_what_was_read(self, name: str, handle: str, sizes: set[str], units: int) -> None:
        base = self.read.get(name)
        if base is not None:
            changes = {"handle": handle, "title": f"Title {handle}", "skus": skus(base.id, sizes)}
            self._write(msgspec.structs.replace(base, **changes), base, units)

    def _write(self, whole: Product, base: Product | None, units: int) -> None:
        """Write, and have the model end as the rules as they are told to people say."""
        on_hand = {sku.id: units for sku in whole.skus}
        saving = self._products.save(whole, base, on_hand, by="owner")
        kept = self.kept.get(whole.id)
        is_same = base is not None and whole == base
        others = {each.handle for key, each in self.kept.items() if key != whole.id}
        refusal: type[Exception] | None = None
        if is_same:
            pass
        elif kept is None and base is not None:
            refusal = NotFound
        elif kept is not None and (base is None or base.revision != kept.revision):
            refusal = Stale
        elif whole.handle in others:
            refusal = Conflict
        if refusal is not None:
            with pytest.raises(refusal):
                self.run(saving)
            return
        saved = self.run(saving)
        if is_same:
            assert saved == base
            return
        self.kept[whole.id] = saved
        assert saved.revision == (1 if base is None else base.revision + 1)
        before = {sku.id for sku in base.skus} if base is not None else set()
        after = {sku.id for sku in whole.skus}
        self.units = {sku: count for sku, count in self.units.items() if sku not in before - after}
        self.units |= dict.fromkeys(after - before, units)

    @rule(name=NAMES)
    def delete_what_was_read(self, name: str) -> None:
        base = self.read.get(name)
        if base is None:
            return
        kept = self.kept.get(base.id)
        if kept is None or kept.revision != base.revision:
            with pytest.raises(NotFound if kept is None else Stale):
                self.run(self._products.delete(base))
            return
        self.run(self._products.delete(base))
        del self.kept[base.id]
        self.ids[name] = ProductId(f"p_{name}{int(base.id[3:]) + 1}")
        for sku in base.skus:
            del self.units[sku.id]

    @invariant()
    def the_store_has_what_the_model_has(self) -> None:
        ids = sorted(self.kept)
        redis = self._connection.redis
        assert self.run(self._products.ids()) == ids
        assert self.run(self._products.many(ids)) == self.kept
        for name in (PRODUCTS, REVISIONS, SEARCH):
            assert sorted(self.run(redis.hkeys(name))) == [key.encode() for key in ids]
        assert self.run(redis.hgetall(HANDLES)) == {
            each.handle.encode(): key.encode() for key, each in self.kept.items()
        }
        assert self.run(self._stocks.many(sorted(self.units))) == {
            sku: Stock(on_hand=count, revision=1) for sku, count in self.units.items()
        }
        assert len(self.run(redis.keys("*}:stock:*:history"))) == len(self.units)
        for handle in ("x", "y", "z"):
            found = self.run(self._products.page(search=Search((handle,)))).products
            assert [each.id for each in found] == [
                key for key in ids if self.kept[key].handle == handle
            ]

    def teardown(self) -> None:
        self.run(self._connection.close())
        self.run(self._redis_server.stop())
        self._stack.close()


TestCatalogue = Catalogue.TestCase
TestCatalogue.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
