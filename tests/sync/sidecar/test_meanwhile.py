"""Products that change while they are being sent."""

import asyncio
from collections.abc import Mapping, Sequence

from sync.eligibility.local_rules import MARKETS
from sync.model import ImageRecord, SkuId
from sync.sidecar.loader import ImageRecords
from sync.sidecar.session import Pictures, Session
from sync.store.lease import Lease
from tests.sync.sidecar.rig import AUDIT_S, Fetched, Rig

MUG = SkuId("s_mug")


class Gate:
    """The pictures' records, which the next one to ask waits for, once it is shut."""

    def __init__(self, pictures: Fetched) -> None:
        self._pictures = pictures
        self._opened: asyncio.Event | None = None
        self.reached = asyncio.Event()

    def shut(self) -> asyncio.Event:
        """What opens it again."""
        self._opened = asyncio.Event()
        return self._opened

    async def many(self, urls: Sequence[str]) -> Mapping[str, ImageRecord]:
        if self._opened is not None:
            opened, self._opened = self._opened, None
            self.reached.set()
            await opened.wait()
        return await self._pictures.many(urls)

    async def again(self, urls: Sequence[str], at: float) -> None:
        await self._pictures.again(urls, at)


async def test_stock_that_is_changed_back_while_it_is_sent_is_sent_again(rig: Rig) -> None:
    gate = Gate(rig.pictures)
    session = await _session(rig, gate)
    await rig.add("mug", units=3)
    await session.begin()
    await session.read()
    await session.take_in()
    await _done(session)
    assert await _units(rig) == 3

    await rig.stock(MUG, 5)
    await session.take_in()
    opens = gate.shut()
    sending = asyncio.create_task(session.do_next())
    await gate.reached.wait()  # whoever sends has read of five units
    await rig.stock(MUG, 3)
    await session.take_in()
    opens.set()
    await sending
    await _done(session)

    assert await _units(rig) == 3


async def test_what_tiktok_says_of_a_product_before_it_is_known_to_be_ours_is_asked_again(
    rig: Rig,
) -> None:
    session = await _session(rig, rig.pictures)
    await session.begin()

    async def approved() -> None:
        """The audit is over before the create is answered, and its webhook is read."""
        await rig.wait(AUDIT_S)
        await session.read()

    rig.sandbox.control.after("create_product", approved)
    mug = await rig.add("mug")
    await session.read()
    await _done(session)
    await session.read()

    assert (await rig.listing(mug.id)).status == "ACTIVATE"


async def _session(rig: Rig, records: ImageRecords) -> Session:
    fence = await Lease(rig.connection, holder="first").acquire()
    assert fence is not None
    return Session(
        rig.stores,
        Pictures(records, rig.pictures),
        rig.tiktok,
        rig.intake,
        fence,
        markets=MARKETS,
        next_rundown=lambda: (),
        on_air=lambda: False,
        now=rig.now,
    )


async def _done(session: Session) -> None:
    for _ in range(4):
        await session.take_in()
        while await session.do_next():
            pass
        await session.settle()


async def _units(rig: Rig) -> int:
    (there,) = await rig.there()
    (sku,) = there["skus"]
    units: int = sku["available"]
    return units
