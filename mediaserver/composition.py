"""What a canvas is to show: read from documents, and checked against what its show has."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import msgspec

from compositor.errors import LayoutError
from compositor.layout import Backdrop, Layout
from compositor.overlay import PINNED, Overlay, Picture, Product, QrCode
from compositor.overlay_spec import overlays_document, parse_overlays
from compositor.spec import layout_document, parse_layout
from mediaserver.packet import AssetId
from mediaserver.state import CanvasRecord, ShowRecord


@dataclass(frozen=True, slots=True)
class Composition:
    """A layout, and overlays, which stay when the layout changes."""

    layout: Layout
    overlays: tuple[Overlay, ...] = ()

    @classmethod
    def of(cls, canvas: CanvasRecord) -> "Composition":
        """What was last put on `canvas`."""
        return cls(parse_layout(canvas.layout), parse_overlays(list(canvas.overlays)))

    def with_layout(self, document: object) -> "Composition":
        """Raises LayoutError."""
        return replace(self, layout=parse_layout(document))

    def with_overlays(self, document: object) -> "Composition":
        """Raises LayoutError."""
        return replace(self, overlays=parse_overlays(document))

    def on(self, canvas: CanvasRecord) -> CanvasRecord:
        """`canvas` with this on it."""
        return msgspec.structs.replace(
            canvas,
            layout=layout_document(self.layout),
            overlays=tuple(overlays_document(self.overlays)),
        )

    def assets(self) -> set[AssetId]:
        """The assets that it shows."""
        return {use.asset for use in (*self._layout_uses(), *self._overlay_uses())}

    def check_layout(self, show: ShowRecord, before: Layout) -> None:
        """Raises LayoutError where the layout names an image that `show` does not have, or a
        feed that it has not and that was not named `before` either: a slot keeps its slate when
        its feed is removed."""
        allowed = {*show.feeds, *(slot.source for slot in before.slots)}
        for index, slot in enumerate(self.layout.slots):
            if isinstance(slot.source, str) and slot.source not in allowed:
                known = ", ".join(show.feeds) or "none yet"
                raise LayoutError(
                    f"slots[{index}].feed", f"there is no feed {slot.source!r}; feeds: {known}"
                )
        _check_uses(self._layout_uses(), show)

    def check_overlays(self, show: ShowRecord, before: "Composition") -> None:
        """Raises LayoutError where an overlay names an asset that `show` does not have, or a
        product that is not on its rundown and that was not named `before` either: one that is
        taken off the rundown is not shown, and its overlay stays."""
        _check_uses(self._overlay_uses(), show)
        allowed = {PINNED, *show.rundown, *before.products()}
        for index, overlay in enumerate(self.overlays):
            if isinstance(overlay, Product) and overlay.product not in allowed:
                raise LayoutError(
                    f"[{index}].product",
                    f"{overlay.product!r} is not on the rundown: put it there first, "
                    f"or show whatever is {PINNED}",
                )

    def products(self) -> set[str]:
        """The products that overlays name."""
        return {each.product for each in self.overlays if isinstance(each, Product)}

    def _layout_uses(self) -> Iterator["Use"]:
        if isinstance(self.layout.background, Backdrop):
            yield Use("background.image", "image", AssetId(self.layout.background.image))

    def _overlay_uses(self) -> Iterator["Use"]:
        for index, overlay in enumerate(self.overlays):
            if isinstance(overlay, Picture):
                yield Use(f"[{index}].image", "image", AssetId(overlay.image))
            elif not isinstance(overlay, QrCode) and overlay.style.font:
                yield Use(f"[{index}].font", "font", AssetId(overlay.style.font))


class Use(NamedTuple):
    """Where in a document an asset is named."""

    path: str
    kind: str
    asset: AssetId


def _check_uses(uses: Iterable[Use], show: ShowRecord) -> None:
    for path, kind, asset in uses:
        found = show.assets.get(asset)
        if found is None or found.kind != kind:
            known = ", ".join(key for key, record in show.assets.items() if record.kind == kind)
            raise LayoutError(path, f"there is no {kind} {asset!r}; {kind}s: {known or 'none yet'}")
