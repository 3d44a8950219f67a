"""What the cards of a show's products say, and which pictures they need."""

from typing import Any

import msgspec

from compositor.overlay import Product as Overlay
from compositor.overlay_spec import overlays_document
from mediaserver.packet import CanvasId, ShowId, TargetId
from mediaserver.show.product_cards import cards, places, product_overlays, wanted_pictures
from mediaserver.show.showing import Standing
from mediaserver.state import CanvasRecord, ShowRecord, TargetRecord
from sync.eligibility.badge import unread
from sync.eligibility.badges import Looked
from sync.model import TIKTOK, Image, Product, ProductId, Sku, SkuId
from tests.sync.things import product

LANDSCAPE, PORTRAIT = CanvasId("landscape"), CanvasId("portrait")
RECT = (0.0, 0.0, 1.0, 1.0)
PINNED = Overlay(RECT, "pinned")
CUP = Overlay(RECT, "p_cup")


def canvas(*overlays: Overlay) -> CanvasRecord:
    return CanvasRecord(320, 180, 30, 200_000, {}, tuple(overlays_document(overlays)))


def pictured(name: str, **changes: Any) -> Product:
    return product(name, images=(Image(f"https://shop.example/{name}.jpg"),), **changes)


SHELF = {
    each.id: Looked(each, 1204, {})
    for each in (
        pictured("mug", handle="mug größe&1"),
        pictured("cup", skus=(Sku(SkuId("s_1"), price=125_000), Sku(SkuId("s_2"), price=99_900))),
        pictured("jug"),
        product("pot"),
    )
}
MUG, CUP_ID, JUG, POT = SHELF
RECORD = ShowRecord(
    ShowId("s"),
    "Autumn",
    {LANDSCAPE: canvas(PINNED, CUP), PORTRAIT: canvas(PINNED)},
    targets={TargetId("t"): TargetRecord("T", "tiktok", PORTRAIT)},
    rundown=(POT, MUG, CUP_ID, JUG),
    pinned=JUG,
)


def stand(product_id: ProductId) -> Standing:
    looked = SHELF.get(product_id)
    badges = {TIKTOK: unread(TIKTOK, "store_away")}
    return Standing(product_id in RECORD.rundown, looked is not None, looked, badges)


def said(overlay: Overlay, record: ShowRecord = RECORD) -> Any:
    return cards(record, LANDSCAPE, [overlay], stand, {"https://shop.example/mug.jpg": b"mug"})


def test_a_card_has_the_words_of_the_product_and_the_overlay() -> None:
    mug = Overlay(RECT, MUG, qr="https://shop.example/{handle}?p={id}", left="noch {count}")
    (card,) = said(mug).values()
    assert (card.title, card.price, card.stock) == ("The mug", "$12.50", "noch 1,204")
    assert card.link == "https://shop.example/mug%20gr%C3%B6%C3%9Fe%261?p=p_mug"
    assert card.picture == b"mug"


def test_prices_that_differ_are_told_by_the_lowest() -> None:
    (card,) = said(CUP).values()
    assert (card.price, card.picture, card.link) == ("from $999.00", None, "")


def test_the_pinned_product_is_the_one_of_now() -> None:
    assert [card.title for card in said(PINNED).values()] == ["The jug"]
    assert said(PINNED, msgspec.structs.replace(RECORD, pinned=None)) == {}


def test_a_product_is_told_with_the_canvases_that_are_to_show_it() -> None:
    found = places(RECORD, stand)
    assert found[CUP_ID] == {LANDSCAPE: {"shown": True, "reason": None}}
    assert found[JUG][LANDSCAPE] == {"shown": True, "reason": None}
    assert found[JUG][PORTRAIT]["shown"] is False
    assert found[JUG][PORTRAIT]["reason"]["code"] == "tiktok_not_green"
    assert found.keys() == {CUP_ID, JUG}
    assert cards(RECORD, PORTRAIT, product_overlays(RECORD.canvases[PORTRAIT]), stand, {}) == {}


def test_pictures_are_wanted_in_the_order_in_which_they_may_be_seen() -> None:
    jug, cup, mug = (f"https://shop.example/{name}.jpg" for name in ("jug", "cup", "mug"))
    assert wanted_pictures(RECORD, stand) == [jug, cup, mug]

    named = msgspec.structs.replace(RECORD, canvases={LANDSCAPE: canvas(CUP)})
    assert wanted_pictures(named, stand) == [cup]
    bare = msgspec.structs.replace(RECORD, canvases={LANDSCAPE: canvas()})
    assert wanted_pictures(bare, stand) == []
