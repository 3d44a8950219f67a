import io
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from sync.catalogue.csv_records import Fault
from sync.catalogue.product_draft import ProductDraft, SkuDraft
from sync.catalogue.product_rules import MAX_SKUS
from sync.catalogue.shopify_csv import MAX_COLUMNS, Entry, entries, heading_row, rows, survey
from sync.errors import Invalid
from sync.model import TIKTOK, Image, Product, ProductId, Sku, SkuId

HEADINGS = (
    "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,"
    "Image Src,Image Position"
)

EXPORTED = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,"
    "Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,Variant SKU,"
    "Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,"
    "Variant Fulfillment Service,Variant Price,Variant Compare At Price,"
    "Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,Image Position,"
    "Image Alt Text,Gift Card,SEO Title,SEO Description,Variant Image,Variant Weight Unit,"
    "Variant Tax Code,Cost per item,Status"
)
"""The headings of a file that Shopify exports (Shopify Help Center, Using CSV files)."""

TEMPLATE = (
    "Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,"
    "Status,SKU,Barcode,Option1 name,Option1 value,Price,Inventory quantity,"
    "Weight value (grams),Product image URL,Image position,Image alt text,Variant image URL"
)
"""Headings of the newer template, which says the same in other words."""


def read(*lines: str, headings: str = HEADINGS, currency: str = "USD") -> list[Any]:
    data = "\n".join([headings, *lines]).encode()
    return list(entries(io.BytesIO(data), currency))


def faults(found: Sequence[Any]) -> list[tuple[int, str, str]]:
    return [(each.line, each.column, each.reason) for each in found if not isinstance(each, Entry)]


def only(found: Sequence[Any]) -> Any:
    """The draft of the only entry."""
    (entry,) = found
    assert isinstance(entry, Entry)
    return entry.draft


def test_a_row_as_shopify_exports_it_is_a_product() -> None:
    row = (
        'mug,Mug,"<p>Blue,\nround</p>",Ann,Home > Mugs,Mugs,"blue, new, blue",true,Title,'
        "Default Title,,,,,MUG-1,250.4,shopify,7,deny,manual,12.50,15.00,true,true,4006381333931,"
        "https://cdn.example/mug.jpg,1,A mug,false,,,https://cdn.example/side.jpg,g,,,draft"
    )

    (entry,) = read(row, headings=EXPORTED)

    assert (entry.line, entry.rows, entry.lines) == (2, 1, (2,))
    assert entry.draft == ProductDraft(
        handle="mug",
        title="Mug",
        currency="USD",
        skus=(
            SkuDraft(
                price=1250,
                options=(),
                seller_sku="MUG-1",
                barcode="4006381333931",
                weight_g=250,
                image_url="https://cdn.example/side.jpg",
                on_hand=7,
            ),
        ),
        description="<p>Blue,\nround</p>",
        vendor="Ann",
        type="Mugs",
        tags=("blue", "new"),
        options=(),
        images=(Image("https://cdn.example/mug.jpg", "A mug"),),
        status="draft",
    )


def test_the_newer_template_is_understood_too() -> None:
    row = (
        "Mug,mug,<p>Blue</p>,Ann,,Mugs,,true,active,MUG-1,,Size,S,12.50,7,250,"
        "https://cdn.example/mug.jpg,1,A mug,"
    )

    draft = only(read(row, headings=TEMPLATE))

    assert (draft.handle, draft.description, draft.status) == ("mug", "<p>Blue</p>", "active")
    assert (draft.skus[0].seller_sku, draft.skus[0].on_hand) == ("MUG-1", 7)
    assert (draft.skus[0].weight_g, draft.skus[0].image_url) == (250, None)
    assert draft.images == (Image("https://cdn.example/mug.jpg", "A mug"),)


def test_rows_of_one_handle_are_variants_and_images_of_one_product() -> None:
    (entry,) = read(
        "shirt,Shirt,Size,S,A-S,3,12.50,https://cdn.example/2.jpg,2",
        "shirt,,,M,A-M,4,12.50,https://cdn.example/1.jpg,1",
        "shirt,,,,,,,https://cdn.example/3.jpg,3",
        "shirt,,,,,,,https://cdn.example/1.jpg,4",
    )

    draft = entry.draft
    assert (entry.rows, entry.lines, draft.options) == (4, (2, 3), ("Size",))
    assert [sku.options for sku in draft.skus] == [("S",), ("M",)]
    assert [image.url[-5:] for image in draft.images or ()] == ["1.jpg", "2.jpg", "3.jpg"]


def test_what_the_file_has_no_column_for_is_left_open() -> None:
    draft = only(read("Mug,12.50", headings="Title,Variant Price"))

    assert (draft.handle, draft.description, draft.images) == ("mug", UNSET, UNSET)
    assert (draft.skus[0].seller_sku, draft.skus[0].on_hand) == (UNSET, UNSET)


def test_a_product_without_a_handle_has_one_of_its_title() -> None:
    assert only(read(",Ann's  Große Tasse!,,,,,5,,")).handle == "ann-s-große-tasse"


@pytest.mark.parametrize(
    ("status", "published", "expected"),
    [
        ("active", "FALSE", "active"),
        ("Draft", "TRUE", "draft"),
        ("archived", "", "archived"),
        ("unlisted", "TRUE", "draft"),
        ("", "TRUE", "active"),
        ("", "", "active"),
        ("", "FALSE", "draft"),
    ],
)
def test_status_counts_and_published_where_there_is_none(
    status: str, published: str, expected: str
) -> None:
    headings = "Handle,Title,Variant Price,Status,Published"

    assert only(read(f"a,A,5,{status},{published}", headings=headings)).status == expected


def test_text_that_was_escaped_for_spreadsheets_is_itself_again() -> None:
    assert only(read("a,'=SUM(A1),,,'+1,,5,,")).title == "=SUM(A1)"


CELLS = {
    "Variant Price": [
        ("", "is missing"),
        ("12,50", "has a comma"),
        ("$5", "has '$' in it"),
        ("-5", "is negative"),
        ("5.001", "has more decimals than USD has (2)"),
    ],
    "Variant Inventory Qty": [
        ("-3", "is negative"),
        ("1.5", "must be a whole number, not '1.5'"),
        ("1,000", "must be a whole number, not '1,000'"),
        ("9999999999", "must be a whole number"),
        ("many", "must be a whole number, not 'many'"),
    ],
    "Variant Grams": [("-1", "must be grams"), ("1kg", "must be grams, such as 250, not '1kg'")],
    "Image Src": [
        ("ftp://cdn.example/a", "must begin with https:// or http://"),
        ("https://u:p@cdn.example/a", "must be without a user name and password"),
        ("https://cdn.example/" + "a" * 2048, "characters; 2048 are the most"),
    ],
    "Variant Image": [("mug.jpg", "must begin with https:// or http://")],
    "Image Position": [("0", "must be a number from 1 on"), ("first", "not 'first'")],
    "Option1 Value": [("", "is missing: each variant has its 'Size'")],
    "Title": [("", "is missing"), ("x" * 256, "has 256 characters; 255 are the most")],
    "Vendor": [("x" * 256, "has 256 characters; 255 are the most"), ("a\0", "has a NUL character")],
    "Body (HTML)": [("a\0", "has a NUL character: the file is damaged")],
    "Status": [("on", "must be active, draft or archived, not 'on'")],
    "Published": [("maybe", "must be TRUE or FALSE")],
    "Handle": [("a b", "must be without blanks"), ("a/b", "must be without blanks")],
    "Option2 Value": [("Red", "is missing on line 2")],
    "Shopcast / Currency": [("dollars", "must be the three letters of a currency")],
}
SOUND = {
    **dict.fromkeys(CELLS, ""),
    "Handle": "a",
    "Title": "A",
    "Option1 Name": "Size",
    "Option1 Value": "S",
    "Option2 Name": "",
    "Variant Price": "5",
}


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [(column, cell, reason) for column, cells in CELLS.items() for cell, reason in cells],
)
def test_a_bad_cell_is_named_and_the_products_around_it_go_in(
    column: str, cell: str, reason: str
) -> None:
    bad = ",".join(f'"{value}"' for value in {**SOUND, column: cell}.values())
    good = ",".join({**SOUND, "Handle": "b"}.values())

    found = read(bad, good, headings=",".join(SOUND))

    ((line, named, why),) = faults(found)
    assert (line, named) == (2, "Option2 Name" if column == "Option2 Value" else column)
    assert reason in why
    assert [each.draft.handle for each in found if isinstance(each, Entry)] == ["b"]


def test_every_fault_of_a_row_is_named() -> None:
    assert [column for _, column, _ in faults(read("a,,Size,S,,-1,$5,x,1"))] == ["Title"]
    assert [column for _, column, _ in faults(read("a,A,Size,,,-1,$5,x,1"))] == [
        "Variant Price",
        "Option1 Value",
        "Variant Inventory Qty",
        "Image Src",
    ]


def test_a_bad_variant_is_left_out_of_its_product() -> None:
    fault, entry = read("a,A,Size,S,,1,$5,,", "a,,,M,,1,5,,")

    assert fault == Fault(2, "Variant Price", fault.reason)
    assert (entry.lines, [sku.options for sku in entry.draft.skus]) == ((3,), [("M",)])


def test_rows_of_a_product_that_cannot_be_taken_are_named_too() -> None:
    found = read("a,,Size,S,,1,5,,", "a,,,M,,1,5,,", "b,B,,,,1,5,,")

    assert faults(found) == [
        (2, "Title", "is missing"),
        (3, "Handle", "is that of line 2, which cannot be taken"),
    ]
    assert [each.draft.handle for each in found[2:]] == ["b"]


def test_images_without_a_sound_variant_are_no_product() -> None:
    found = read("a,A,Size,S,,1,x,,", "a,,,,,,,https://cdn.example/1.jpg,")

    assert faults(found)[1] == (2, "", "is left out with its images: it has no sound variant")
    assert not any(isinstance(each, Entry) for each in found)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["a,A,,,,1,5,,", "b,B,,,,1,5,,", "a,,,M,,1,5,,"],
            (4, "Handle", "is that of line 2: the rows of one product must follow each other"),
        ),
        (
            ["a,A,,,,1,5,,", "a,Other,,,,1,5,,"],
            (3, "Title", "is not that of line 2, which has the same handle"),
        ),
        (
            ["a,A,Size,S,,1,5,,", "a,,,S,,1,5,,"],
            (3, "Option1 Value", "makes this the same variant as line 2"),
        ),
        (
            ["a,A,Size,S,,1,5,,", "a,,,,,,,,1"],
            (3, "Variant Price", "is missing, and there is no image: this row says nothing"),
        ),
        (
            ["a,A,Size,S,,1,5,,", "a,A,Size,M,5"],
            (3, "", "has 5 cells, but there are 9 headings"),
        ),
        (
            ["a,A,Size,S,,1,5,,", "a,A,Size,M,,1,5,,,,"],
            (3, "", "has 11 cells, but there are 9 headings"),
        ),
        (
            ["a,A,Size,S,,1,5,,", ",,,M,,1,5,,"],
            (3, "Handle", "is missing: each row of a product has it"),
        ),
    ],
)
def test_a_row_that_does_not_fit_those_before_is_named(
    lines: list[str], expected: tuple[int, str, str]
) -> None:
    found = read(*lines)

    ((line, column, reason),) = faults(found)
    assert (line, column) == expected[:2]
    assert reason.startswith(expected[2])


def test_empty_rows_are_no_rows() -> None:
    (entry,) = read("", "a,A,,,,1,5,,", ",,,,,,,,", ' , ,"  ",,,,,,', "")

    assert entry.line == 3


def test_a_product_has_so_many_variants_and_no_more() -> None:
    lines = [f"a,A,Size,{n},,1,5,," for n in range(MAX_SKUS + 2)]

    first, second, entry = read(*lines)

    assert [first.line, second.line] == [MAX_SKUS + 2, MAX_SKUS + 3]
    assert first.reason == "is of one variant too many: a product has at most 2048"
    assert len(entry.draft.skus) == MAX_SKUS


@pytest.mark.parametrize(
    ("data", "currency", "reason"),
    [
        ("\n\n", "USD", "the file has nothing but blank lines"),
        (HEADINGS, "USD", "the file has headings, but no row below them"),
        (HEADINGS + "\n\r\n", "USD", "the file has headings, but no row below them"),
        ("Name,Price\na,5", "USD", "the first line names no column 'Title'"),
        ("Handle,Title\na,A", "USD", "names no column 'Variant Price' or 'Price'"),
        ("Handle;Title;Variant Price\na;A;5", "USD", "are separated by semicolons"),
        ("Handle\tTitle\tVariant Price\na\tA\t5", "USD", "are separated by tabs"),
        ("Title,Price,Variant Price\na,5,5", "USD", "the columns 'Price' and 'Variant Price' say"),
        ("Title,Price,TITLE\na,5,5", "USD", "the columns 'Title' and 'TITLE' say the same"),
        ("Title,Price" + ",x" * MAX_COLUMNS, "USD", "the file has 502 columns; 500 are the most"),
        ('"Title"x,Price\na,5', "USD", "line 1, which should be the headings, has a quote"),
        ("Title,Price\na,5", None, "the file does not tell the currency of its prices"),
        ("Title,Price\na,5", "dollars", "currency: must be a currency's three letters"),
    ],
)
def test_a_file_that_cannot_be_used_at_all_is_refused_at_once(
    data: str, currency: str | None, reason: str
) -> None:
    with pytest.raises(Invalid) as refused:
        survey(io.BytesIO(data.encode()), currency)

    assert reason in str(refused.value)


def test_a_survey_tells_how_long_a_file_is_and_what_of_it_is_not_used() -> None:
    found = survey(io.BytesIO(b"\xef\xbb\xbfTitle,Price,SEO Title,,Cost\r\na,5,,,\r\n"), "USD")

    assert (found.lines, found.ignored) == (2, ("'SEO Title'", "'Cost'"))


def test_a_column_of_currencies_tells_the_currency() -> None:
    headings = "Title,Price,Shopcast / Currency"
    found = read("a,5,jpy", "b,5,", headings=headings, currency="EUR")

    assert [(each.draft.currency, each.draft.skus[0].price) for each in found] == [
        ("JPY", 5),
        ("EUR", 500),
    ]
    assert survey(io.BytesIO(f"{headings}\na,5,JPY".encode()), None).lines == 2


def test_what_product_rules_say_is_told_by_line_and_column() -> None:
    (entry,) = read("a,A,Size,S,,1,5,,", "a,,,M,,1,5,,")

    assert [
        entry.fault(Invalid("is wrong", path))
        for path in ("skus[1].barcode", "skus[0].options[0]", "tags[3]", "images[1].url", "x", None)
    ] == [
        Fault(3, "Variant Barcode", "is wrong"),
        Fault(2, "Option1 Value", "is wrong"),
        Fault(2, "Tags", "is wrong"),
        Fault(2, "Image Src", "is wrong"),
        Fault(2, "", "is wrong"),
        Fault(2, "", "is wrong"),
    ]


WORDS = st.text(alphabet="aé=+-@'\",;\n\r\t 1", max_size=6)
NAMES = WORDS.map(str.strip).filter(bool)
LIST_ITEMS = NAMES.filter(lambda text: "," not in text)
URLS = st.sampled_from(
    ["https://cdn.example/a.jpg", "http://cdn.example/b?c=1", "https://é.example/"]
)


@st.composite
def any_product(draw: st.DrawFn) -> Product:
    options = draw(st.lists(NAMES, max_size=3, unique_by=str.casefold).map(tuple))
    currency = draw(st.sampled_from(["USD", "JPY", "KWD"]))
    values = (
        draw(st.lists(st.tuples(*[NAMES] * len(options)), min_size=1, max_size=4, unique=True))
        if options
        else [()]
    )
    skus = [
        Sku(
            id=SkuId(f"s_{number}"),
            price=draw(st.integers(0, 10**9)),
            seller_sku=draw(WORDS.map(str.strip)),
            options=value,
            barcode=draw(WORDS.map(str.strip)),
            weight_g=draw(st.none() | st.integers(0, 10**6)),
            image_url=draw(st.none() | URLS),
        )
        for number, value in enumerate(values)
    ]
    urls = draw(st.lists(URLS, max_size=3, unique=True))
    return Product(
        id=ProductId("p_1"),
        handle=draw(st.sampled_from(["mug", "=mug", "'mug", "-1", "tasse-größe"])),
        title=draw(NAMES),
        currency=currency,
        skus=tuple(skus),
        description=draw(WORDS),
        vendor=draw(WORDS.map(str.strip)),
        type=draw(WORDS.map(str.strip)),
        tags=tuple(draw(st.lists(LIST_ITEMS, max_size=3, unique=True))),
        options=options,
        images=tuple(Image(url, draw(WORDS.map(str.strip))) for url in urls),
        status=draw(st.sampled_from(["active", "draft", "archived"])),
        left_out=draw(st.sampled_from([(), (TIKTOK,)])),
        certifications=tuple(draw(st.lists(LIST_ITEMS, max_size=2, unique=True))),
    )


@given(any_product(), st.lists(st.integers(0, 999), min_size=4, max_size=4))
def test_what_was_written_is_read_as_the_same(product: Product, units: list[int]) -> None:
    on_hand = {sku.id: count for sku, count in zip(product.skus, units, strict=False)}

    draft = only(read(rows(product, on_hand), headings=heading_row().rstrip("\r\n")))

    for field in ("handle", "title", "currency", "description", "vendor", "type", "status"):
        assert getattr(draft, field) == getattr(product, field)
    for field in ("tags", "options", "images", "left_out", "certifications"):
        assert getattr(draft, field) == getattr(product, field)
    for read_sku, sku in zip(draft.skus, product.skus, strict=True):
        for field in ("price", "options", "seller_sku", "barcode", "weight_g", "image_url"):
            assert getattr(read_sku, field) == getattr(sku, field)
        assert read_sku.on_hand == on_hand[sku.id]


def test_no_cell_that_is_written_runs_in_a_spreadsheet() -> None:
    product = Product(
        id=ProductId("p_1"),
        handle="-a",
        title="=cmd|'/c calc'!A1",
        currency="USD",
        skus=(Sku(SkuId("s_1"), price=5, seller_sku="@x", options=("+1",), barcode="\tx"),),
        options=("-Size",),
        vendor="\rx",
    )

    text = rows(product, {})

    for part in ("'-a", "'=cmd|'/c calc'!A1", "'@x", "'+1", "'\tx", "'-Size", "'\rx"):
        assert part in text
