"""Whatever happens to the catalogue, to TikTok, to webhooks and to the servers: in the end, what
is listed is what should be, and each product once."""

import asyncio
import os
from collections.abc import Awaitable
from contextlib import AsyncExitStack, suppress
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from sync.eligibility import tier
from sync.errors import SyncError
from sync.model import TIKTOK, Image, Product, ProductId, Sku, SkuId
from sync.sandbox.audit import Verdict
from sync.sidecar.sidecar import Sidecar
from tests.sync.sidecar.crashing import Crashed, crashing
from tests.sync.sidecar.rig import MUGS, VASES, Rig, rigged

EXAMPLES = 2_000 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 60
STEPS = 25

LIMIT = 3
NAMES = ("ash", "birch", "cedar", "elm", "fir")
NODES = ("first", "second")
COLOURS = ("Red", "Blue", "Green")
CALLS = (
    "create_product",
    "edit_product",
    "partial_edit_product",
    "update_inventory",
    "update_prices",
    "upload_image",
    "search_products",
    "deactivate_products",
    "activate_products",
    "delete_products",
    None,
)
FAULTS = ("rate_limit", "error_503", "internal", "timeout", "close_before", "close_after")

SCHEMA = (
    {"replace": {"status": "QUARANTINED"}},
    {"rename": {"status": "state"}},
    {"rename": {"product_id": "item_id"}},
    {"rename": {"products": "items"}},
    {"rename": {"update_time": "changed_at"}},
    {"rename": {"errors": "faults"}},
    {"rename": {"external_sku_id": "own_id"}},
)

names = st.sampled_from(NAMES)
nodes = st.sampled_from(NODES)
pauses = st.sampled_from((0.0, 1.0, 10.0, 61.0, 400.0, 5 * 3600.0))
few = st.integers(0, 3)
acts = st.one_of(
    st.tuples(st.just("title"), st.sampled_from(("good one", "good two", "a bad one", ""))),
    st.tuples(st.just("stock"), st.sampled_from((0, 4, 5))),
    st.tuples(st.just("price"), st.sampled_from((500, 501))),
    st.tuples(st.just("colours"), st.sets(st.sampled_from(COLOURS))),
    st.tuples(st.just("pictures"), st.sampled_from((("one",), ("two",), ("one", "two"), ()))),
    st.tuples(st.just("status"), st.sampled_from(("active", "active", "draft", "archived"))),
    st.tuples(st.just("left_out"), st.sampled_from(((), (TIKTOK,)))),
    st.tuples(st.just("delete"), st.none()),
)
troubles: st.SearchStrategy[tuple[str, dict[str, Any]]] = st.one_of(
    st.tuples(st.just("tokens"), st.just({})),
    st.tuples(
        st.just("webhooks"), st.fixed_dictionaries({"lose": few, "double": few, "reorder": few})
    ),
    st.tuples(st.just("schema"), st.sampled_from(SCHEMA)),
    st.tuples(st.just("schema mended"), st.just({})),
)


def skus(name: str, colours: tuple[str, ...], price: int) -> tuple[Sku, ...]:
    if not colours:
        return (Sku(SkuId(f"s_{name}"), price, name.upper()),)
    return tuple(
        Sku(SkuId(f"s_{name}_{colour}"), price, f"{name}-{colour}".upper(), (colour,))
        for colour in colours
    )


class Shopkeeping(RuleBasedStateMachine):
    redis_url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.rig: Rig = self.run(self.stack.enter_async_context(rigged(self.redis_url)))
        self.nodes: dict[str, Sidecar] = {}
        self.made = 0
        self.frozen: set[str] = set()

    def run(self, doing: Awaitable[Any]) -> Any:
        async def done() -> Any:
            return await doing

        return self.runner.run(done())

    @initialize(is_limited=st.booleans(), count=st.integers(1, len(NAMES)), is_synced=st.booleans())
    def open_the_shop(self, is_limited: bool, count: int, is_synced: bool) -> None:
        self.run(self.rig.set_channel(tier="beginner" if is_limited else "pro"))
        self.run(self.rig.control.audits(verdicts=[Verdict("FAILED", ("Bad.",), title="bad")]))
        for name in NAMES[:count]:
            self.add(name, 5, 500)
        if is_synced:
            self.run(self.rig.cycles(self.node("first")))

    # ---- the catalogue

    @rule(name=names, act=acts)
    def change(self, name: str, act: tuple[str, Any]) -> None:
        """Change a product, or make it where there is none."""
        product = self.run(self.rig.stores.products.by_handle([name])).get(name)
        match (product, *act):
            case (None, _, _):
                self.add(name, 5, 500)
            case (Product(), "delete", _):
                self.run(self.rig.stores.products.delete(product))
            case (Product(), "stock", units):
                self.run(self.rig.stock(product.skus[-1].id, units))
            case (Product(), "price", price):
                new = tuple(replace(sku, price=price) for sku in product.skus)
                self.run(self.rig.edit(product.id, skus=new))
            case (Product(), "colours", colours):
                own, price = product.id.removeprefix("p_"), product.skus[0].price
                new = skus(own, tuple(sorted(colours)), price)
                options = ("Color",) if colours else ()
                self.run(self.rig.edit(product.id, skus=new, options=options))
            case (Product(), "pictures", pictures):
                images = tuple(Image(f"https://pictures.example/{each}") for each in pictures)
                self.run(self.rig.edit(product.id, images=images))
            case (Product(), field, value):
                self.run(self.rig.edit(product.id, **{field: value}))

    def add(self, name: str, units: int, price: int) -> None:
        self.made += 1
        own = f"{name}{self.made}"
        self.run(self.rig.add(own, units=units, handle=name, skus=skus(own, (), price)))

    @rule(mapping=st.sampled_from(({"Mug": MUGS}, {"Mug": VASES}, {})))
    def remap(self, mapping: dict[str, str]) -> None:
        self.run(self.rig.stores.categories.save_mapping(mapping))

    # ---- the show

    @rule(on_air=st.booleans(), rundown=st.lists(names, unique=True))
    def go(self, on_air: bool, rundown: list[str]) -> None:
        found = self.run(self.rig.stores.products.by_handle(rundown))
        self.rig.rundown = [found[name].id for name in rundown if name in found]
        self.rig.on_air = on_air

    @rule(auto_sync=st.booleans())
    def switch(self, auto_sync: bool) -> None:
        self.run(self.rig.set_channel(auto_sync=auto_sync))

    # ---- the servers

    def node(self, name: str) -> Sidecar:
        return self.nodes.setdefault(name, self.rig.sidecar(name))

    def cycle(self, name: str) -> None:
        with suppress(SyncError):
            self.run(self.node(name).cycle())

    @rule(name=nodes, seconds=pauses)
    def sync(self, name: str, seconds: float) -> None:
        self.cycle(name)
        self.run(self.rig.wait(seconds))

    @rule(
        name=nodes,
        kind=st.sampled_from(FAULTS),
        call=st.sampled_from(CALLS),
        times=st.integers(1, 8),
        skip=st.integers(0, 3),
    )
    def sync_with_trouble(
        self, name: str, kind: Any, call: str | None, times: int, skip: int
    ) -> None:
        self.run(self.rig.control.fail(kind, call, times, skip))
        self.cycle(name)

    @rule(name=nodes, at=st.integers(1, 120), after=st.booleans())
    def crash(self, name: str, at: int, after: bool) -> None:
        async def cycle() -> None:
            with suppress(Crashed, SyncError):
                async with crashing(self.rig, at, after=after):
                    await self.node(name).cycle()

        self.run(cycle())
        self.nodes.pop(name, None)

    @rule(name=nodes)
    def lose_the_lease(self, name: str) -> None:
        """It runs out, and another server comes first."""
        redis = self.rig.connection.redis
        self.run(self.rig.connection.asked(lambda: redis.delete("shopcast:{shop}:lease:sync")))
        self.cycle(name)

    # ---- TikTok

    @rule(seconds=pauses)
    def wait(self, seconds: float) -> None:
        self.run(self.rig.wait(seconds))

    @rule(trouble=troubles)
    def disturb(self, trouble: tuple[str, dict[str, Any]]) -> None:
        kind, how = trouble
        match kind:
            case "tokens":
                self.run(self.rig.control.expire_tokens())
            case "webhooks":
                self.run(self.rig.control.tamper(**how))
            case "schema":
                self.run(self.rig.control.schema(**how))
            case "schema mended":
                self.rig.sandbox.world.faults.schema.clear()

    @rule(number=st.integers(0, 20))
    def freeze(self, number: int) -> None:
        there = self.run(self.rig.there())
        if number < len(there):
            remote = there[number]["id"]
            self.frozen.add(remote)
            self.run(self.rig.control.product(remote, status="FREEZE", reason="a complaint"))

    # ---- the end

    def teardown(self) -> None:
        try:
            self.run(self.settle())
        finally:
            self.run(self.stack.aclose())
            self.runner.close()

    async def settle(self) -> None:
        """Nothing is wrong any more: in the end everything is as it should be."""
        rig = self.rig
        await rig.control.clear_faults()
        await rig.set_channel(auto_sync=True)
        rig.on_air = False
        await rig.connection.asked(
            lambda: rig.connection.redis.delete("shopcast:{shop}:lease:sync")
        )
        sidecar = rig.sidecar("last")
        for _ in range(6):
            await rig.cycles(sidecar, 3, 61.0)
            await rig.wait(6 * 3600.0)
        await rig.cycles(sidecar, 3, 61.0)
        await self.check()
        await rig.control.forget_requests()
        await rig.wait(61.0)
        await sidecar.cycle()
        looking = {"search_products", "search_orders", "search_returns"}
        if self.frozen:  # TikTok does not tell their stock: what is in doubt stays so
            looking.add("search_inventory")
        assert (await rig.control.requests()).keys() <= looking

    async def check(self) -> None:
        rig = self.rig
        everything = await rig.control.products()
        there: dict[str, list[dict[str, Any]]] = {}
        for each in everything:
            if each["status"] != "DELETED":
                there.setdefault(each["external_product_id"], []).append(each)
        assert all(len(copies) == 1 for copies in there.values()), there
        mapping = await rig.stores.categories.mapping()
        products = await rig.stores.products.many(await rig.stores.products.ids())
        for product_id, [remote] in there.items():
            product = products.get(ProductId(product_id))
            if remote["id"] in self.frozen:
                continue
            assert product is not None, f"{product_id} was deleted here"
            if not is_wanted(product):
                assert remote["status"] in ("SELLER_DEACTIVATED", "FAILED"), remote
                assert not any(sku["available"] for sku in remote["skus"]), remote
        wanted = [each for each in products.values() if is_sound(each) and mapping]
        limit = LIMIT if (await rig.stores.channels.get(TIKTOK)).tier == "beginner" else None
        sold = [each for each in wanted if (await self.is_sold(each, there))]
        if limit is None:
            assert len(sold) == len(wanted)
        else:
            assert len(sold) <= limit + len(self.frozen)
            if not self.frozen:
                await self.check_selection(products, wanted, sold, limit)

    async def check_selection(
        self,
        products: dict[ProductId, Product],
        wanted: list[Product],
        sold: list[Product],
        limit: int,
    ) -> None:
        """No room is left empty, and none is given to what is not in the rundown before what is."""
        listed = await self.rig.stores.listings.many(list(products))
        faulty = [
            each
            for each in products.values()
            if is_wanted(each)
            and each not in wanted
            and (listing := listed.get(each.id)) is not None
            and listing.remote_id is not None
        ]
        assert len(sold) >= min(limit - len(faulty), len(wanted))
        waiting = [each for each in wanted if each not in sold]
        if any(each.id in self.rig.rundown for each in waiting):
            assert all(each.id in self.rig.rundown for each in sold)

    async def is_sold(self, product: Product, there: dict[str, list[dict[str, Any]]]) -> bool:
        """Whether it is at TikTok as it is here: a fault if not, unless it is left out."""
        listing = await self.rig.stores.listings.get(product.id)
        assert listing is not None, product
        if listing.left_out:
            assert all(
                each["status"] in ("SELLER_DEACTIVATED", "FAILED")
                for each in there.get(product.id, [])
                if each["id"] not in self.frozen
            )
            return False
        assert len(there.get(product.id, [])) == 1, (product, listing)
        [remote] = there[product.id]
        assert listing.remote_id == remote["id"]
        if remote["id"] in self.frozen:
            return True
        assert listing.failure is None
        assert remote["status"] == listing.status
        stocks = await self.rig.stores.stocks.many([sku.id for sku in product.skus])
        if "bad" in product.title:
            assert "FAILED" in (remote["status"], remote["audit"])
            return True
        assert remote["status"] == "ACTIVATE", (remote, listing)
        assert remote["title"] == product.title
        assert remote["category_id"] == (await self.rig.stores.categories.mapping())["Mug"]
        assert len(remote["images"]) == len(product.images)
        assert {(sku["seller_sku"], sku["price"], sku["available"]) for sku in remote["skus"]} == {
            (sku.seller_sku, f"{sku.price / 100:.2f}", stocks[sku.id].available)
            for sku in product.skus
        }
        return True


def is_wanted(product: Product) -> bool:
    return product.status == "active" and not product.left_out


def is_sound(product: Product) -> bool:
    return is_wanted(product) and bool(product.title) and bool(product.images)


def test_in_the_end_what_is_listed_is_what_should_be(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tier.TIERS, "beginner", tier.TierLimits(LIMIT, 50))
    Shopkeeping.redis_url = redis_url
    run_state_machine_as_test(
        Shopkeeping,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
