"""Whoever buys what and where, and whatever goes wrong meanwhile: no unit is sold twice, no order
is lost, and in the end both sides have the same books."""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, suppress
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from sync.catalogue.product_draft import Ids
from sync.errors import Conflict, SyncError
from sync.model import TIKTOK, ProductId, SkuId, StockPolicy
from sync.orders.desk import Desk
from sync.orders.moves import GivenBack
from sync.orders.order import OWN_SHOP, OrderId
from sync.orders.order_draft import LineDraft, OrderDraft
from sync.orders.tiktok_order import order_id
from sync.sandbox.errors import ControlError, ShopperRefused
from sync.sandbox.orders import Order as RemoteOrder
from sync.sidecar.sidecar import Sidecar
from sync.store.orders import Idempotency
from sync.store.stock import StockSet
from sync.tiktok import wire
from tests.sync.sidecar.crashing import Crashed, crashing
from tests.sync.sidecar.rig import Rig, rigged

EXAMPLES = 2_000 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 200
STEPS = 20

NAMES = ("ash", "birch")
NODES = ("first", "second")
KEYS = ("k1", "k2", "k3", "k4", "k5", "k6")
CALLS = (
    "create_product",
    "edit_product",
    "update_inventory",
    "update_inventory",
    "search_inventory",
    "search_orders",
    "get_orders",
    "search_returns",
    None,
)
UNANSWERED = ("close_after", "done_late")
FAULTS = (
    "rate_limit",
    "error_503",
    "internal",
    "timeout",
    "close_before",
    *UNANSWERED,
)

names = st.sampled_from(NAMES)
nodes = st.sampled_from(NODES)
units = st.integers(1, 2)
few = st.integers(0, 3)
losses = st.sampled_from((None, None, *UNANSWERED))
pauses = st.sampled_from((0.0, 1.0, 3.0, 6.0, 61.0, 700.0))
baskets = st.dictionaries(names, units, min_size=1)
policies = st.sampled_from((StockPolicy(), StockPolicy(share=50), StockPolicy(share=100)))
purchases = st.one_of(
    st.tuples(st.just("there"), baskets, st.booleans()),
    st.tuples(st.sampled_from(KEYS), baskets, st.booleans()),
)
between = st.tuples(
    st.sampled_from(("buy", "buy two", "buy here", "cancel")),
    st.sampled_from(("update_inventory", "search_inventory", "search_orders", "get_orders")),
    st.booleans(),
    st.integers(1, 3),
)
steps = st.one_of(
    st.tuples(st.integers(0, 5), st.sampled_from(("pay", "ship", "cancel", "cancel one"))),
    st.tuples(
        st.sampled_from(KEYS),
        st.sampled_from(("pay", "fulfil", "cancel", "give back", "restock")),
    ),
)
troubles: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.tuples(
        st.just("webhooks"), st.fixed_dictionaries({"lose": few, "double": few, "reorder": few})
    ),
    st.tuples(st.just("restocks"), st.fixed_dictionaries({"enabled": st.booleans()})),
    st.tuples(st.just("lease lost"), st.just({})),
)


class Selling(RuleBasedStateMachine):
    redis_url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.rig: Rig = self.run(self.stack.enter_async_context(rigged(self.redis_url)))
        self.nodes: dict[str, Sidecar] = {}
        self.desk = Desk(
            self.rig.stores,
            Ids(self.rig.now, lambda bits: 0),
            self.rig.vault,
            None,
            buyer_data_days=60,
            now=self.rig.now,
            clock=self.rig.now,
            sleep=self.rig.wait,
        )
        self.supply: Counter[SkuId] = Counter()
        self.placed: dict[str, tuple[OrderDraft, OrderId]] = {}

    def run(self, doing: Awaitable[Any]) -> Any:
        async def done() -> Any:
            return await doing

        return self.runner.run(done())

    @initialize(
        on_hand=st.lists(st.integers(2, 12), min_size=2, max_size=2),
        policy=policies,
        is_listed=st.sampled_from((True, True, False)),
    )
    def open_the_shop(self, on_hand: list[int], policy: StockPolicy, is_listed: bool) -> None:
        self.run(self.rig.set_channel(stock=policy))
        for name, count in zip(NAMES, on_hand, strict=True):
            self.run(self.rig.add(name, units=count))
            self.supply[_sku(name)] = count
        if is_listed:
            self.run(self.rig.cycles(self.node("first")))

    # ---- the servers

    def node(self, name: str) -> Sidecar:
        return self.nodes.setdefault(name, self.rig.sidecar(name))

    @rule(name=nodes, seconds=pauses)
    def sync(self, name: str, seconds: float) -> None:
        with suppress(SyncError):
            self.run(self.node(name).cycle())
        self.run(self.rig.wait(seconds))

    @rule(
        name=nodes,
        at=st.integers(1, 60),
        after=st.booleans(),
        sku=names,
        more=few,
        lost=losses,
        is_heir_quick=st.booleans(),
    )
    def crash(
        self,
        name: str,
        at: int,
        after: bool,
        sku: str,
        more: int,
        lost: Any,
        is_heir_quick: bool,
    ) -> None:
        self.put_on_the_shelf(sku, more)
        if lost is not None:
            self.run(self.rig.control.fail(lost, "update_inventory"))

        async def cycle() -> None:
            with suppress(Crashed, SyncError):
                async with crashing(self.rig, at, after=after):
                    await self.node(name).cycle()

        self.run(cycle())
        self.nodes.pop(name, None)
        if is_heir_quick:
            self.run(self.lose_the_lease())
            self.sync("heir", 0.0)

    async def lose_the_lease(self) -> None:
        redis = self.rig.connection.redis
        await self.rig.connection.asked(lambda: redis.delete("shopcast:{shop}:lease:sync"))

    # ---- TikTok

    @rule(
        name=nodes,
        kind=st.sampled_from(FAULTS),
        call=st.sampled_from(CALLS),
        times=st.integers(1, 4),
        skip=st.integers(0, 3),
        sku=names,
        more=few,
    )
    def sync_with_trouble(
        self, name: str, kind: Any, call: str | None, times: int, skip: int, sku: str, more: int
    ) -> None:
        self.put_on_the_shelf(sku, more)
        self.run(self.rig.control.fail(kind, call, times, skip))
        self.sync(name, 0.0)

    @rule(trouble=troubles, seconds=pauses)
    def disturb(self, trouble: tuple[str, dict[str, Any]], seconds: float) -> None:
        kind, how = trouble
        match kind:
            case "webhooks":
                self.run(self.rig.control.tamper(**how))
            case "restocks":  # TikTok puts what was cancelled on sale again by itself, or does not
                cipher = wire.ShopCipher(self.rig.sandbox.world.market(None).shop.cipher)
                with suppress(SyncError):
                    self.run(self.rig.tiktok.auto_restock(cipher, **how))
            case "lease lost":
                self.run(self.lose_the_lease())
        self.run(self.rig.wait(seconds))

    # ---- shoppers

    @rule(bought=st.lists(purchases, min_size=2, max_size=5))
    def rush(self, bought: list[tuple[str, dict[str, int], bool]]) -> None:
        for where, basket, is_paid in bought:
            if where == "there":
                self.buy_there(basket, is_paid)
            else:
                self.buy_here(where, basket, is_paid)

    def buy_there(self, basket: dict[str, int], is_paid: bool) -> None:
        there = {remote: count for name, count in basket.items() if (remote := self.remote(name))}
        with suppress(ShopperRefused):
            self.run(self.rig.control.buy(basket=there, paid=is_paid))

    @rule(
        name=names,
        sold=st.integers(0, 1),
        since=pauses,
        more=few,
        doing=st.lists(between, min_size=1, max_size=3),
        lost=losses,
        skip=st.integers(0, 1),
        by=nodes,
    )
    def sell_in_between(
        self,
        name: str,
        sold: int,
        since: float,
        more: int,
        doing: list[tuple[str, str, bool, int]],
        lost: Any,
        skip: int,
        by: str,
    ) -> None:
        """Shoppers are quick while a server reads or writes, and perhaps an answer is `lost`."""
        if sold:
            self.buy_there({name: sold}, is_paid=False)
            self.sync(by, since)
        self.put_on_the_shelf(name, more)
        remote = self.remote(name)
        for what, call, is_after, nth in doing:
            place = self.rig.control.after if is_after else self.rig.control.before
            place(call, self.nth_time(nth, what, name, remote))
        if lost is not None:
            self.run(self.rig.control.fail(lost, "update_inventory", skip=skip))
        self.sync(by, 0.0)
        self.rig.sandbox.world.hooks.clear()

    def nth_time(
        self, nth: int, what: str, name: str, remote: str | None
    ) -> Callable[[], Awaitable[None]]:
        left = nth

        async def hook() -> None:
            nonlocal left
            left -= 1
            if left == 0 and remote is not None:
                with suppress(ShopperRefused):
                    await self.do_in_between(what, name, remote)

        return hook

    async def do_in_between(self, what: str, name: str, remote: str) -> None:
        match what:
            case "buy":
                await self.rig.control.buy(sku_id=remote)
            case "buy two":
                await self.rig.control.buy(sku_id=remote, quantity=2)
            case "cancel":
                for order in reversed(list(self.remote_orders())):
                    if order.status != "CANCELLED":
                        await self.rig.control.cancel(order.id)
                        return
            case "buy here":
                stock = (await self.rig.stores.stocks.many([_sku(name)]))[_sku(name)]
                if stock.free > 0:
                    await self.sell_here(f"between{len(self.placed)}", {name: stock.free})

    @rule(taken=st.lists(steps, min_size=1, max_size=4))
    def go_on(self, taken: list[tuple[Any, str]]) -> None:
        for which, what in taken:
            if isinstance(which, int):
                self.go_on_there(which, what)
            else:
                self.go_on_here(which, what)

    def go_on_there(self, number: int, what: str) -> None:
        orders = list(self.remote_orders())[::-1]
        if number >= len(orders):
            return
        order, control = orders[number], self.rig.control
        with suppress(ShopperRefused, ControlError):
            match what:
                case "pay":
                    self.run(control.pay(order.id))
                    self.run(self.rig.wait(3601.0))
                case "ship":
                    self.run(control.ship(order.id))
                case "cancel":
                    self.run(control.cancel(order.id))
                case "cancel one":
                    self.run(control.cancel(order.id, [order.line_items[0].id]))

    def buy_here(self, key: str, basket: dict[str, int], is_paid: bool) -> None:
        self.run(self.sell_here(key, basket, is_paid))

    async def sell_here(self, key: str, basket: dict[str, int], is_paid: bool = False) -> None:
        """A key that comes again is of the same order."""
        lines = tuple(LineDraft(_sku(name), count) for name, count in basket.items())
        draft, before = self.placed.get(key, (OrderDraft(lines, paid=is_paid), None))
        try:
            saved = await self.desk.place(draft, Idempotency(key, "digest"), by="checkout")
        except Conflict:
            assert before is None
            return
        assert before in (None, saved.order.id)
        self.placed[key] = draft, saved.order.id

    def go_on_here(self, key: str, what: str) -> None:
        if key not in self.placed:
            return
        order = self.placed[key][1]
        with suppress(SyncError):
            match what:
                case "pay":
                    self.run(self.desk.pay(order, by="test"))
                case "fulfil":
                    self.run(self.desk.fulfil(order, None, None, by="test"))
                case "cancel":
                    self.run(self.desk.cancel(order, None, None, "dear", by="test"))
                case "give back":
                    line = self.run(self.rig.stores.orders.get(order)).lines[0]
                    back = [GivenBack(line.id, 1)]
                    self.run(self.desk.give_back(order, back, "broken", by="test"))
                case "restock":
                    self.run(self.desk.restock(order, None, by="test"))

    @rule(name=names, price=st.sampled_from((1250, 1300)), article=st.sampled_from(("", "-2")))
    def edit(self, name: str, price: int, article: str) -> None:
        """An other number of the article is an edit of the product with its variants."""
        product = self.run(self.rig.stores.products.get(ProductId(f"p_{name}")))
        [sku] = product.skus
        edited = replace(sku, price=price, seller_sku=f"{name.upper()}{article}")
        self.run(self.rig.edit(product.id, skus=(edited,)))

    @rule(name=names, on_hand=st.integers(0, 12))
    def count_the_shelf(self, name: str, on_hand: int) -> None:
        """Somebody sets the units on hand, where what was promised allows it."""

        self.run(self.count(_sku(name), lambda _: on_hand))

    def put_on_the_shelf(self, name: str, more: int) -> None:
        self.run(self.count(_sku(name), lambda there: there + more))

    async def count(self, sku: SkuId, counted: Callable[[int], int]) -> None:
        stock = await self.rig.stores.stocks.get(sku)
        on_hand = counted(stock.on_hand)
        change = StockSet(sku, on_hand, stock.revision)
        [answer] = await self.rig.stores.stocks.set_many([change], by="test", reason="count")
        if not isinstance(answer, SyncError):
            self.supply[sku] += on_hand - stock.on_hand

    # ---- what always holds

    @invariant()
    def nothing_is_sold_twice(self) -> None:
        self.run(self.check_books())

    async def check_books(self) -> None:
        stores = self.rig.stores
        orders = {order.id: order async for some in stores.orders.slices() for order in some}
        held = await stores.orders.held(list(orders))
        committed: Counter[SkuId] = Counter()
        consumed: Counter[SkuId] = Counter()
        for_them: Counter[SkuId] = Counter()
        for order, lines in held.items():
            for each in lines.values():
                committed[each.sku] += each.held
                consumed[each.sku] += each.consumed
                if orders[order].channel == TIKTOK:
                    for_them[each.sku] += each.held + each.consumed
        assert not (await self.rig.progress()).drifts, "nobody else sets a level"
        there, offered = self.sold_there(), self.offered_there()
        accepted = there + sold_here(orders.values())
        for sku, stock in (await stores.stocks.many(list(self.supply))).items():
            assert min(stock.on_hand, stock.committed, stock.free, *stock.quotas.values()) >= 0
            assert stock.on_hand == stock.free + sum(stock.quotas.values()) + stock.committed
            assert stock.committed == committed[sku]
            assert stock.on_hand == self.supply[sku] - consumed[sku]
            assert accepted[sku] <= self.supply[sku], f"{sku} was sold twice"
            behind = stock.quotas.get(TIKTOK, 0) + for_them[sku]
            assert there[sku] + offered[sku] <= behind, f"{sku} is offered and not set aside"

    # ---- the end

    def teardown(self) -> None:
        try:
            self.run(self.settle())
        finally:
            self.run(self.stack.aclose())
            self.runner.close()

    async def settle(self) -> None:
        """Nothing is wrong any more, but webhooks that were lost stay so."""
        rig = self.rig
        await rig.control.clear_faults()
        await self.lose_the_lease()
        sidecar = rig.sidecar("last")
        for pause_s in (6.0, 61.0, 61.0, 61.0, 61.0, 700.0, 700.0, 0.0):
            await sidecar.cycle()
            await self.check_books()
            await rig.wait(pause_s)
        await self.check_orders()
        before = await self.levels()
        for sku, (quota, there) in before.items():
            assert quota == there, f"{sku} is offered {there} times, {quota} are set aside"
        await rig.cycles(sidecar, 1, 700.0)
        assert await self.levels() == before

    async def check_orders(self) -> None:
        """Each is here once, as it is at TikTok, and nothing of it is short."""
        orders = self.rig.stores.orders
        there = {order_id(order.id): order for order in self.remote_orders()}
        ours = await orders.many(list(there))
        assert ours.keys() == there.keys()
        assert [ours[key].status for key in there] == [each.status for each in there.values()]
        acknowledged = [order for _, order in self.placed.values()]
        assert (await orders.many(acknowledged)).keys() == set(acknowledged)
        held = await orders.held([*ours, *acknowledged])
        assert not any(each.short for of_order in held.values() for each in of_order.values())

    async def levels(self) -> dict[SkuId, tuple[int, int]]:
        """What is set aside of each SKU, and what TikTok offers."""
        stocks = await self.rig.stores.stocks.many(list(self.supply))
        there = {
            _of_article(sku["seller_sku"]): sku["available"]
            for product in await self.rig.there()
            for sku in product["skus"]
        }
        return {sku: (stocks[sku].quotas.get(TIKTOK, 0), there.get(sku, 0)) for sku in self.supply}

    # ---- small parts

    def remote(self, name: str) -> str | None:
        listing = self.run(self.rig.stores.listings.get(ProductId(f"p_{name}")))
        return None if listing is None else listing.remote_skus.get(_sku(name))

    def remote_orders(self) -> Iterator[RemoteOrder]:
        yield from self.rig.sandbox.world.market(None).orders.by_id.values()

    def sold_there(self) -> Counter[SkuId]:
        return Counter(
            _of_article(item.seller_sku)
            for order in self.remote_orders()
            for item in order.line_items
            if item.sent or item.status != "CANCELLED"
        )

    def offered_there(self) -> Counter[SkuId]:
        offered: Counter[SkuId] = Counter()
        for product in self.rig.sandbox.world.market(None).catalogue.by_id.values():
            for id, sku in product.skus().items():
                offered[_of_article(sku.seller_sku)] += product.available(id)
        return offered


def sold_here(orders: Any) -> Counter[SkuId]:
    sold: Counter[SkuId] = Counter()
    for order in orders:
        if order.channel == OWN_SHOP:
            for line in order.lines:
                sold[line.sku] += line.units - line.cancelled - line.restocked
    return sold


def _sku(name: str) -> SkuId:
    return SkuId(f"s_{name}")


def _of_article(number: str) -> SkuId:
    return _sku(number.lower().removesuffix("-2"))


def test_nothing_is_sold_twice_and_no_order_is_lost(redis_url: str) -> None:
    Selling.redis_url = redis_url
    run_state_machine_as_test(
        Selling,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
