"""Going on air with a show, and off again."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence

import msgspec

from mediaserver.errors import Conflict
from mediaserver.packet import TargetId
from mediaserver.show.addresses import excess
from mediaserver.show.cast import part
from mediaserver.show.core import ShowCore
from sync.errors import StoreUnavailable

log = logging.getLogger(__name__)


class OnAir(ShowCore):
    async def start(self) -> bool:
        """Go on air with every target that has an address and a key; with an interrupted show,
        with those that were to be live.

        Raises HeldElsewhere while another server has the show on air, and Conflict while a target
        may not be sent as much as its canvas has.
        """
        if self.record.interrupted:
            return await self._start(())
        for record in self.record.targets.values():
            too_much = excess(record, self.record.canvases[record.canvas])
            if too_much is not None and record.sealed_key is not None and record.url is not None:
                raise Conflict(f"{record.name} cannot start: {too_much}")
        return await self._start(tuple(self.record.targets))

    async def end(self) -> bool:
        """Close every target and go off air; leave an interrupted show at rest."""
        async with self._lock:
            if self.record.interrupted:
                return await self._commit(self.record.at_rest().but(ended_at=self._now()))
            if not self.on_air:
                raise Conflict("the show is not on air on this server")
            goodbyes = await self._off_air()
            durable = await self._commit(self.record.at_rest().but(ended_at=self._now()))
        await self._said(goodbyes)
        async with self._lock:
            await self._part_with_lease()
        return durable

    async def refresh(self) -> None:
        """Take over what another server has stored of a show that is not on air here.

        Raises NotFound when it was deleted, StoreUnavailable.
        """
        if self.on_air:
            return
        async with self._lock:
            if not self.on_air:
                await self._load()

    async def keep(self) -> None:
        """Renew the lease, and store what is not stored yet. Called every few seconds, and when
        Redis is back. A show that another server has taken, changed or deleted since the lease
        ran out goes off air here."""
        async with self._lock:
            try:
                if self.on_air:
                    await self._kept.renew()
                if not self.durable and await self._kept.save(self.record):
                    self.events.publish("show", self._show_view())
                await self._part_with_lease()
            except StoreUnavailable:
                return
            except Conflict as error:
                await self._lost(error)

    async def close(self) -> None:
        """The server ends: close every target, give the lease back, part with everybody."""
        async with self._lock:
            was_on_air = self.on_air
            await self._air.stop()
            await self._recorder.closed()
            if was_on_air:
                log.info("show_off_air show=%s", self.id)
                with contextlib.suppress(Conflict):
                    await self._commit(self.record.at_rest().but(ended_at=self._now()))
            await self._part_with_lease()
            self.events.close()
            await part(self._cast.feeds.values())

    async def _start(self, target_ids: Sequence[TargetId]) -> bool:
        """Go on air with these targets too; with an interrupted show, as it was before."""
        async with self._lock:
            is_new = not self.on_air
            if is_new:
                await self._take_lease()
                await self._assets.load(self.record.assets)
            is_resumed = self.record.interrupted
            left = self.record.wanted() if is_resumed else []
            targets = dict(self.record.targets)
            asked = dict.fromkeys([*left, *target_ids])
            startable = [key for key in asked if self._lack(self._target_record(key)) is None]
            for target_id in startable:
                targets[target_id] = msgspec.structs.replace(targets[target_id], wanted=True)
            record = self.record.but(targets=targets)
            if is_new:
                self._air.forget_ended()
                self._air.measure_anew()
                record = msgspec.structs.replace(
                    record,
                    on_air=True,
                    interrupted=False,
                    started_at=self.record.started_at if is_resumed else self._now(),
                    ended_at=None,
                )
            self._compose()
            try:
                for target_id in startable:
                    self._send(target_id, was_live=target_id in left)
            except BaseException:
                if is_new:
                    await self._off_air()
                raise
            if is_new:
                log.info("show_on_air show=%s resumed=%s", self.id, is_resumed)
            return await self._commit(record)

    async def _take_lease(self) -> None:
        """Raises HeldElsewhere, or StoreUnavailable: going on air takes a Redis that answers.

        A lease that is taken in vain is given back by the next `keep`.
        """
        try:
            await self._kept.renew()
            if not self.durable:
                await self._kept.save(self.record)
        except Conflict as error:
            await self._lost(error)
        await self._kept.take_lease()
        await self._load()

    async def _load(self) -> None:
        """Take over what another server has stored. Raises NotFound, StoreUnavailable."""
        newer = await self._kept.newer()
        if newer is not None:
            await self._apply(newer)

    async def _part_with_lease(self) -> None:
        """Give back the lease of a show that is off air, that is stored, and whose targets all
        have said goodbye."""
        if not self.on_air and self.durable and not self._air.says_goodbye:
            await self._kept.give_back()

    async def _said(self, goodbyes: list[asyncio.Task[None]]) -> None:
        """Wait for goodbyes: without the lock, for a peer may take seconds."""
        if goodbyes:
            await asyncio.wait(goodbyes)

    def _send(self, target_id: TargetId, *, was_live: bool = False) -> None:
        """`was_live` of one that was to be live on a server that is no more: its platform may
        refuse it for a while, for it thinks that connection still publishes."""
        if self._air.sends(target_id):
            return
        record = self._target_record(target_id)
        url, key = self._addresses.reachable(record)
        self._air.start_target(target_id, url, key, record.canvas, was_live=was_live)
