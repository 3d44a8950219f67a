"""What a product must be to be kept, and that what may be kept comes back as it was."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.catalogue.product_rules import check, faults
from sync.model import ChannelId, Image, Product, ProductId, Sku, SkuId
from tests.sync.things import product

LINE = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=255).filter(
    lambda text: bool(text.strip())
)
MAYBE = st.just("") | LINE
URL = st.builds("https://{}.example/{}".format, st.integers(0, 99), st.integers(0, 99))


@st.composite
def products(draw: st.DrawFn) -> Product:
    """Products that may be kept."""
    options = draw(st.lists(LINE, max_size=3, unique_by=str.casefold))
    values = st.tuples(*(LINE for _ in options))
    count = st.lists(values, min_size=1, max_size=5 if options else 1, unique=True)
    skus = [
        Sku(
            SkuId(f"s_{number}"),
            price=draw(st.integers(0, 10**12)),
            seller_sku=draw(MAYBE),
            options=each,
            barcode=draw(MAYBE),
            weight_g=draw(st.none() | st.integers(0, 10**9)),
            image_url=draw(st.none() | URL),
        )
        for number, each in enumerate(draw(count))
    ]
    return Product(
        id=ProductId("p_1"),
        handle=draw(st.from_regex(r"[a-z0-9-]{1,255}", fullmatch=True)),
        title=draw(LINE),
        currency=draw(st.sampled_from(["USD", "EUR", "JPY"])),
        skus=tuple(skus),
        description=draw(st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"))),
        vendor=draw(MAYBE),
        type=draw(MAYBE),
        tags=tuple(draw(st.lists(LINE, max_size=3))),
        options=tuple(options),
        images=tuple(draw(st.lists(st.builds(Image, URL, MAYBE), max_size=3))),
        status=draw(st.sampled_from(["active", "draft", "archived"])),
        left_out=tuple(draw(st.lists(st.just(ChannelId("tiktok")), max_size=1))),
        certifications=tuple(draw(st.lists(LINE, max_size=2))),
    )


@given(products())
def test_a_product_that_may_be_kept_comes_back_from_json_as_it_was(kept: Product) -> None:
    check(kept)

    assert msgspec.json.decode(msgspec.json.encode(kept), type=Product) == kept


@given(st.from_type(Product))
def test_whatever_a_product_says_is_judged_without_a_crash(anything: Product) -> None:
    for fault in faults(anything):
        assert fault.reason


def sku(**changes: Any) -> tuple[Sku, ...]:
    return (msgspec.structs.replace(product().skus[0], **changes),)


TWO = (Sku(SkuId("s_1"), 1, options=("S",)), Sku(SkuId("s_2"), 1, options=("S",)))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"title": " "}, "title: must not be empty"),
        ({"title": "a" * 256}, "title: has more than 255 characters"),
        ({"title": "a\nb"}, "title: has a control character"),
        ({"title": "\ud800"}, "title: has a control character"),
        ({"handle": "a b"}, "handle: must be without blanks and any of / ? # % \\"),
        ({"handle": "a/b"}, "handle: must be without blanks and any of / ? # % \\"),
        ({"currency": "usd"}, "currency: must be a currency's three letters, such as USD"),
        ({"description": "a" * 100_001}, "description: has more than 100,000 characters"),
        ({"description": "a\0b"}, "description: has a control character"),
        ({"vendor": "a\x7f"}, "vendor: has a control character"),
        ({"type": "a" * 256}, "type: has more than 255 characters"),
        ({"tags": ("a", "")}, "tags[1]: must not be empty"),
        ({"tags": ("a",) * 251}, "tags: has more than 250"),
        ({"certifications": ("",)}, "certifications[0]: must not be empty"),
        ({"left_out": ("tik-tok",)}, "left_out[0]: must be one of the channels there are: tiktok"),
        ({"left_out": ("tiktok",) * 17}, "left_out: has more than 16"),
        (
            {"options": ("A", "a"), "skus": sku(options=("1", "2"))},
            "options: names an option twice",
        ),
        (
            {"options": tuple("ABCD"), "skus": sku(options=tuple("1234"))},
            "options: has more than 3",
        ),
        ({"skus": ()}, "skus: must have one SKU at least"),
        ({"skus": sku(price=-1)}, "skus[0].price: must be from 0 to 1,000,000,000,000 minor units"),
        ({"skus": sku(weight_g=-1)}, "skus[0].weight_g: must be from 0 to 1,000,000,000 g"),
        ({"skus": sku(seller_sku="a\t")}, "skus[0].seller_sku: has a control character"),
        ({"skus": sku(barcode="a" * 256)}, "skus[0].barcode: has more than 255 characters"),
        (
            {"skus": sku(options=("S",))},
            "skus[0].options: must be empty: the product has no options",
        ),
        (
            {"options": ("Size",)},
            "skus[0].options: must be one value for each of the product's options: Size",
        ),
        ({"options": ("Size",), "skus": TWO}, "skus[1].options: are those of skus[0]"),
        ({"skus": sku() * 2}, "options: several SKUs need options that tell them apart"),
        (
            {"options": ("Size",), "skus": sku(options=(" ",))},
            "skus[0].options[0]: must not be empty",
        ),
        ({"images": (Image("https://a.example/"),) * 251}, "images: has more than 250"),
        (
            {"images": (Image("https://a.example/", "a" * 513),)},
            "images[0].alt: has more than 512 characters",
        ),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_place(changes: dict[str, Any], fault: str) -> None:
    assert [str(found) for found in faults(product(**changes))] == [fault]


def test_more_skus_than_may_be_are_refused() -> None:
    many = tuple(Sku(SkuId(f"s_{n}"), 1, options=(str(n),)) for n in range(2049))

    assert [str(found) for found in faults(product(options=("N",), skus=many))] == [
        "skus: has more than 2,048"
    ]


_SCHEME = "must begin with https:// or http://"
_NO_HOST = "has no host that can be asked"
_UNREADABLE = "is no web address: its host or port cannot be read"
_BLANK = "has a blank, a backslash or a control character in it"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", _SCHEME),
        ("ftp://a.example/x.jpg", _SCHEME),
        ("file:///etc/passwd", _SCHEME),
        ("//a.example/x.jpg", _SCHEME),
        ("javascript:alert(1)", _SCHEME),
        ("https://", _NO_HOST),
        ("https://[::1/x", _UNREADABLE),
        ("https://a.example:99999/", _UNREADABLE),
        ("https://a.example:0/", "has port 0, which nobody listens on"),
        ("http://127.1/x.jpg", "has a number as its host that is no plain IP address"),
        ("https://a.example/a b", _BLANK),
        ("https://a.example/\ud800", "has a control character"),
    ],
)
def test_an_image_is_at_an_http_address_as_files_may_have_it(url: str, words: str) -> None:
    assert [str(found) for found in faults(product(images=(Image(url),)))] == [
        f"images[0].url: {words}"
    ]
    assert [str(found) for found in faults(product(skus=sku(image_url=url)))] == [
        f"skus[0].image_url: {words}"
    ]


def test_an_address_holds_no_password() -> None:
    images = (Image("https://ann:secret@a.example/"),)

    assert [str(found) for found in faults(product(images=images))] == [
        "images[0].url: must be without a user name and password"
    ]
