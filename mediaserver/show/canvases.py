"""Commands on a show's canvases: what they are, what is put on them, and who reads them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from compositor.layout import Layout, Transition
from compositor.spec import layout_document
from mediaserver.air import Reader
from mediaserver.composition import Composition
from mediaserver.errors import BadRequest, Conflict
from mediaserver.packet import CanvasId
from mediaserver.show.core import ShowCore
from mediaserver.state import CanvasRecord

MAX_CANVASES = 4
DEFAULT_CANVAS = CanvasId("landscape")


class CanvasCommands(ShowCore):
    async def set_layout(self, canvas_id: CanvasId, document: object) -> bool:
        """Raises LayoutError with the path of the fault; nothing is changed then."""
        async with self._lock:
            canvas = self.canvas(canvas_id)
            taken = Composition.of(canvas)
            composition = taken.with_layout(document)
            composition.check_layout(self.record, taken.layout)
            changed = self.record.with_canvas(canvas_id, composition.on(canvas))
            return await self._commit(changed)

    async def set_overlays(self, canvas_id: CanvasId, document: object) -> bool:
        """Raises LayoutError with the path of the fault; nothing is changed then."""
        async with self._lock:
            canvas = self.canvas(canvas_id)
            taken = Composition.of(canvas)
            composition = taken.with_overlays(document)
            composition.check_overlays(self.record, taken)
            changed = self.record.with_canvas(canvas_id, composition.on(canvas))
            return await self._commit(changed)

    def add_reader(self, canvas_id: CanvasId, reader: Reader) -> None:
        """Make the canvas for `reader` too, on air or not. Raises NotFound."""
        self.canvas(canvas_id)
        self._air.add_reader(canvas_id, reader)
        self._wake.set()
        self.events.publish("canvas", self.canvas_view(canvas_id))

    def remove_reader(self, canvas_id: CanvasId, reader: Reader) -> None:
        """Nothing happens to a reader that was removed already."""
        self._air.remove_reader(canvas_id, reader)
        self._wake.set()

    def _changed_canvases(
        self, changes: Mapping[CanvasId, CanvasRecord | None]
    ) -> dict[CanvasId, CanvasRecord]:
        canvases = dict(self.record.canvases)
        for canvas_id, canvas in changes.items():
            if canvas is not None:
                kept = canvases.get(canvas_id, canvas)
                canvases[canvas_id] = msgspec.structs.replace(
                    canvas, layout=kept.layout, overlays=kept.overlays, recording=kept.recording
                )
                continue
            users = [t.name for t in self.record.targets.values() if t.canvas == canvas_id]
            if users:
                raise Conflict(f"canvas {canvas_id!r} is sent to {', '.join(users)}: move them")
            canvases.pop(canvas_id, None)
        if not 1 <= len(canvases) <= MAX_CANVASES:
            raise BadRequest(f"a show has 1 to {MAX_CANVASES} canvases", "canvases")
        for canvas_id in self._air.sent():
            if canvases.get(canvas_id) != self.record.canvases[canvas_id]:
                raise Conflict(f"canvas {canvas_id!r} is on air: stop its targets first")
        return canvases


def default_layout(width: int, height: int) -> dict[str, Any]:
    """What a canvas shows before anybody gave it a layout: all who are admitted, making room
    for each other as they come and go."""
    return layout_document(
        Layout(
            preset="stack" if height > width else "side-by-side",
            transition=Transition(300, "ease-in-out"),
        )
    )
