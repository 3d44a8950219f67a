"""Overlays drawn beside a canvas's thread, those that tell the time a moment ahead."""

from collections.abc import Sequence
from concurrent.futures import Executor, Future

from compositor.assets import Assets
from compositor.geometry import Size
from compositor.overlay import Clock, Countdown, Overlay, Product
from compositor.painter import Cards, Drawn, Saying, drawn, saying, shown

AHEAD_S = 1.0
"""Before it is said; what is said stays for a second at least."""

CARD_INTERVAL_S = 0.25
"""From one drawing of a product's card to the next: units may sell faster than that."""


class Sketches:
    """Drawings for one canvas's thread, made by `drawer`. Of each overlay one is made at a time:
    where that takes too long, the look of before stays for longer."""

    def __init__(self, size: Size, drawer: Executor) -> None:
        self._size = size
        self._drawer = drawer
        self._begun: dict[Overlay, tuple[Saying, Future[Drawn]]] = {}
        self._card_begun_s: dict[Overlay, float] = {}

    def draw(self, said: Saying, size: Size) -> Drawn | None:
        """The latest drawing of that overlay, None if it is not done, or of another card."""
        begun = self._begun.get(said.overlay) or self._begin(said)
        return begun[1].result() if begun[1].done() and begun[0].card == said.card else None

    def prepare(
        self, overlays: Sequence[Overlay], unix_s: float, assets: Assets, cards: Cards | None = None
    ) -> None:
        """Begin to draw what clocks and countdowns say a moment after `unix_s`, and cards that
        have changed."""
        overlays = shown(overlays, cards or {})
        self._begun = {key: self._begun[key] for key in overlays if key in self._begun}
        self._card_begun_s = {
            key: at_s for key, at_s in self._card_begun_s.items() if key in self._begun
        }
        for overlay in overlays:
            if not isinstance(overlay, Clock | Countdown | Product):
                continue
            said = saying(overlay, unix_s + AHEAD_S, assets, cards)
            begun = self._begun.get(overlay)
            if begun is not None and (begun[0] == said or not begun[1].done()):
                continue
            if isinstance(overlay, Product):
                if begun and 0 <= unix_s - self._card_begun_s.get(overlay, 0.0) < CARD_INTERVAL_S:
                    continue
                self._card_begun_s[overlay] = unix_s
            self._begin(said)

    def _begin(self, said: Saying) -> tuple[Saying, Future[Drawn]]:
        begun = said, self._drawer.submit(drawn, said, self._size)
        self._begun[said.overlay] = begun
        return begun
