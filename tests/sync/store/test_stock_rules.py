"""What stock may become, against a model of it: any changes in any order, in a real Redis."""

import asyncio
import contextlib
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mediaserver.redis_server import RedisServer
from sync.allocation import counted
from sync.connection import Connection
from sync.errors import Conflict, Stale
from sync.model import TIKTOK, Product, SkuId, Stock
from sync.store.dirty import Dirty
from sync.store.keys import stock_key
from sync.store.products import Products
from sync.store.stock import StockChange, Stocks
from tests.sync.now import Now
from tests.sync.things import product

SKU = SkuId("s_mug")
UNITS = st.integers(0, 50)


class StockRules(RuleBasedStateMachine):
    """One SKU; `stock` is what it should be, `history` what was told of it."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        self._runner = self._stack.enter_context(asyncio.Runner())
        data_dir = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self._redis_server = RedisServer(data_dir)
        self._runner.run(self._redis_server.start())
        self._connection = Connection(self._redis_server.url)
        now = Now()
        self._at = now.at
        self._products = Products(self._connection, now)
        self._stocks = Stocks(self._connection, now)
        self._dirty = Dirty(self._connection)
        self.stock = Stock()
        self.history: list[StockChange] = []

    def run(self, doing: Any) -> Any:
        return self._runner.run(doing)

    @initialize(units=UNITS)
    def begin(self, units: int) -> None:
        self._product: Product = self.run(
            self._products.save(product(), None, {SKU: units}, by="owner")
        )
        self.stock = Stock(on_hand=units, revision=1)
        self.history = [StockChange(self._at, "owner", "new", units, units, 1)]
        self._changes = 1

    @rule(committed=st.integers(0, 5), quota=st.integers(0, 5))
    def promise(self, committed: int, quota: int) -> None:
        """Orders and quotas come and go, as far as there is stock for them."""
        if committed + quota <= self.stock.on_hand:
            fields: dict[Any, Any] = {"committed": str(committed), f"q:{TIKTOK}": str(quota)}
            self.run(self._connection.redis.hset(stock_key(SKU), mapping=fields))
            self.stock = msgspec.structs.replace(
                self.stock, committed=committed, quotas={TIKTOK: quota}
            )

    @rule(units=UNITS, behind=st.integers(0, 2))
    def set(self, units: int, behind: int) -> None:
        setting = self._stocks.set(SKU, units, self.stock.revision - behind, by="owner")
        self._changed_to(units, setting, is_stale=behind > 0)

    @rule(delta=st.integers(-50, 50))
    def adjust(self, delta: int) -> None:
        adjusting = self._stocks.adjust(SKU, delta, by="owner", reason="set")
        self._changed_to(self.stock.on_hand + delta, adjusting, is_stale=False)

    def _changed_to(self, units: int, changing: Any, *, is_stale: bool) -> None:
        """What the change must end with, from the rules as they are told to people."""
        if is_stale or units < self.stock.on_hand - self.stock.free:
            with pytest.raises(Stale if is_stale else Conflict):
                self.run(changing)
            if not is_stale:
                before = self.stock
                self.stock, _ = counted(self.stock, units, self._at)
                self._changes += self.stock != before
            return
        if units != self.stock.on_hand:
            delta, revision = units - self.stock.on_hand, self.stock.revision + 1
            self.history.append(StockChange(self._at, "owner", "set", delta, units, revision))
            self.stock, _ = counted(self.stock, units, self._at)
            self._changes += 1
        assert self.run(changing) == self.stock

    @rule()
    def save_the_product_again(self) -> None:
        """A product's own changes leave its stock alone."""
        title = f"Title {self._product.revision}"
        self._product = self.run(
            self._products.save(
                msgspec.structs.replace(self._product, title=title),
                self._product,
                {SKU: 99},
                by="owner",
            )
        )

    @invariant()
    def the_store_has_what_the_model_has(self) -> None:
        if not self.history:
            return
        assert self.run(self._stocks.get(SKU)) == self.stock
        assert self.stock.free >= 0
        assert self.run(self._stocks.history(SKU)) == self.history[::-1][:100]
        changes = self._changes + self._product.revision - 1
        assert self.run(self._dirty.all()) == {self._product.id: changes}

    def teardown(self) -> None:
        self.run(self._connection.close())
        self.run(self._redis_server.stop())
        self._stack.close()


TestStockRules = StockRules.TestCase
TestStockRules.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
