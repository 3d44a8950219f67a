"""Commands on a show's targets: where it is sent."""

import asyncio
from typing import Any

import msgspec

from mediaserver.errors import BadRequest, Conflict
from mediaserver.packet import CanvasId, TargetId
from mediaserver.show.addresses import check_url
from mediaserver.show.on_air import OnAir
from mediaserver.show.slug import slug
from mediaserver.state import TargetRecord
from sync.secret import Secret

MAX_TARGETS = 256


class TargetCommands(OnAir):
    async def add_target(
        self,
        name: str,
        platform: str,
        canvas_id: CanvasId | None,
        url: str | None,
        stream_key: Secret | None,
        max_video_bitrate: int | None = None,
    ) -> tuple[TargetId, bool]:
        async with self._lock:
            if len(self.record.targets) >= MAX_TARGETS:
                raise Conflict(f"a show has at most {MAX_TARGETS} targets: remove one first")
            record = TargetRecord(
                name=name,
                platform=platform,
                canvas=canvas_id or next(iter(self.record.canvases)),
                url=url,
                sealed_key=self._addresses.sealed(stream_key),
                max_video_bitrate=max_video_bitrate,
            )
            self._check_target(record)
            target_id = TargetId(slug(name, "target", self.record.targets))
            return target_id, await self._commit(self.record.with_target(target_id, record))

    async def change_target(
        self,
        target_id: TargetId,
        *,
        stream_key: Secret | msgspec.UnsetType | None = msgspec.UNSET,
        **changes: Any,
    ) -> bool:
        """Change `name`, and of one that is not sending `platform`, `canvas`, `url`, the key and
        `max_video_bitrate`.

        Raises Conflict for those while it is sending.
        """
        async with self._lock:
            record = self._target_record(target_id)
            if stream_key is not msgspec.UNSET:
                changes["sealed_key"] = self._addresses.sealed(stream_key)
            if changes.keys() - {"name"} and self._air.sends(target_id):
                raise Conflict("the target is sending: stop it before changing where it sends")
            changed = msgspec.structs.replace(record, **changes)
            self._check_target(changed)
            if changes.keys() - {"name"}:
                self._forget(target_id)
            return await self._commit(self.record.with_target(target_id, changed))

    async def remove_target(self, target_id: TargetId) -> bool:
        async with self._lock:
            self._target_record(target_id)
            goodbyes = await self._close_target(target_id)
            self._forget(target_id)
            durable = await self._commit(self.record.without_target(target_id))
        await self._said(goodbyes)
        return durable

    async def start_target(self, target_id: TargetId) -> bool:
        """Send to one target, the others untouched; a show at rest goes on air.

        Raises Conflict when the target lacks its address or key, or may not be sent so much.
        """
        lack = self._lack(self._target_record(target_id))
        if lack is not None:
            raise Conflict(f"the target cannot start: {lack}")
        return await self._start([target_id])

    async def stop_target(self, target_id: TargetId) -> bool:
        """Close one target, the others untouched; the show stays on air."""
        async with self._lock:
            record = self._target_record(target_id)
            goodbyes = await self._close_target(target_id)
            changed = msgspec.structs.replace(record, wanted=False)
            durable = await self._commit(self.record.with_target(target_id, changed))
        await self._said(goodbyes)
        return durable

    async def _give_up_targets(self) -> None:
        """Take note of those that were refused for good: a server that goes on with the show later
        leaves them alone. Raises Conflict."""
        for target_id in self._air.rejected():
            record = self.record.targets.get(target_id)
            if record is not None and record.wanted:
                changed = msgspec.structs.replace(record, wanted=False)
                await self._commit(self.record.with_target(target_id, changed))

    async def _close_target(self, target_id: TargetId) -> list[asyncio.Task[None]]:
        """Take the target off air; the goodbye to its peer goes on by itself."""
        if not self._air.sends(target_id):
            return []
        goodbye = self._air.close_target(target_id)
        await self._air.rest()
        return [goodbye]

    def _check_target(self, record: TargetRecord) -> None:
        """Raises BadRequest."""
        if record.canvas not in self.record.canvases:
            known = ", ".join(self.record.canvases)
            raise BadRequest(f"there is no canvas {record.canvas!r}; canvases: {known}", "canvas")
        if record.url is not None:
            check_url(record.platform, record.url)

    def _forget(self, target_id: TargetId) -> None:
        """What came of the target when it was last started."""
        self._since.pop(target_id, None)
        self._air.forget(target_id)
