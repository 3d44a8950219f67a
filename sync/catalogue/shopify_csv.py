"""Shopify's product CSV: rows to and from products. Pure.

A product is one or more rows that follow each other and share a handle. The first says what it is;
each says a variant, an image, or both. Columns may be in any order, and those that are not known
here are passed over.

Source: Shopify Help Center, "Using CSV files to import and export products": the headings of
exported files, and those of the newer template, which names the same columns otherwise.
"""

import contextlib
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from sync.catalogue.csv_records import Fault, Record, count_lines, records
from sync.catalogue.money import decimal, is_currency, minor_units
from sync.catalogue.product_draft import ProductDraft, SkuDraft, handle_of
from sync.catalogue.product_rules import (
    LONGEST_ALT,
    LONGEST_TEXT,
    MAX_IMAGES,
    MAX_OPTIONS,
    MAX_SKUS,
)
from sync.catalogue.spreadsheet import escaped, unescaped
from sync.errors import Invalid
from sync.images.address import LONGEST as LONGEST_URL
from sync.images.address import web_address
from sync.model import Image, Product, ProductStatus, Sku, SkuId

MAX_COLUMNS: Final = 500
LONGEST_LIST: Final = 10_000

_HEADINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "handle": ("Handle", "URL handle"),
    "title": ("Title",),
    "description": ("Body (HTML)", "Description"),
    "vendor": ("Vendor",),
    "type": ("Type",),
    "tags": ("Tags",),
    "published": ("Published", "Published on online store"),
    "status": ("Status",),
    **{
        f"option{n}_{part.lower()}": (f"Option{n} {part}",)
        for n in range(1, MAX_OPTIONS + 1)
        for part in ("Name", "Value")
    },
    "seller_sku": ("Variant SKU", "SKU"),
    "weight_g": ("Variant Grams", "Weight value (grams)"),
    "on_hand": ("Variant Inventory Qty", "Inventory quantity"),
    "price": ("Variant Price", "Price"),
    "barcode": ("Variant Barcode", "Barcode"),
    "image": ("Image Src", "Product image URL"),
    "image_position": ("Image Position",),
    "image_alt": ("Image Alt Text",),
    "sku_image": ("Variant Image", "Variant image URL"),
    "currency": ("Shopcast / Currency",),
    "left_out": ("Shopcast / Left out",),
    "certifications": ("Shopcast / Certifications",),
}
"""What we know of a product, and the headings it stands under. Shopify has none for the last
three: without them a file could not give back what it was written from."""

STOCK_COLUMN: Final = _HEADINGS["on_hand"][0]

_FIELDS = {name.casefold(): field for field, names in _HEADINGS.items() for name in names}

_VARIANT = ("seller_sku", "on_hand", "price", "barcode", "option1_value", "sku_image")
"""A later row in which one of these is not empty is a variant."""

_DEFAULT_OPTION, _DEFAULT_VALUE = "Title", "Default Title"
"""What Shopify writes for a product that has no options."""

_DEFAULT_VALUES = ((_DEFAULT_VALUE,), ("",))

_OPTION_NUMBERS = range(1, MAX_OPTIONS + 1)

_STATUSES: Mapping[str, ProductStatus] = {
    "active": "active",
    "draft": "draft",
    "archived": "archived",
    "unlisted": "draft",  # what the shop does not show is not shown live either
}
_YES_OR_NO = {"": True, "true": True, "yes": True, "false": False, "no": False}

_WHOLE = re.compile(r"-?[0-9]{1,9}")
_PLACE = re.compile(r"[1-9][0-9]{0,5}")
_LAST = 10**6
"""The place of an image that names none."""

_GRAMS = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_HANDLE = re.compile(r"[^\s/?#%\\]+")
_PATH = re.compile(r"(?:skus\[([0-9]+)\]\.)?([a-z_]*)")
_FIELDS_OF_PATHS = {"images": "image", "image_url": "sku_image", "options": "option1_value"}
"""Where product_rules says something, and what stands there in a file."""


class Entry(NamedTuple):
    """A product as its rows have it: what they have no column for is UNSET. `line` is the first of
    them, `rows` how many are sound; `lines` are those of the draft's SKUs."""

    line: int
    rows: int
    lines: tuple[int, ...]
    draft: ProductDraft

    def fault(self, error: Invalid) -> Fault:
        """Where in the file that is which `error` says of the product."""
        found = _PATH.match(error.path or "")
        number, field = (found[1], found[2]) if found else (None, "")
        line = self.line if number is None else self.lines[int(number)]
        names = _HEADINGS.get(_FIELDS_OF_PATHS.get(field, field), ("",))
        return Fault(line, names[0], error.reason)


class Survey(NamedTuple):
    """What a file is before anything of it is taken; `ignored` are headings not known here."""

    lines: int
    ignored: tuple[str, ...]


def survey(file: BinaryIO, currency: str | None) -> Survey:
    """Look at a whole file, which is closed then. `currency` is that of prices, unless a column
    tells.

    Raises Invalid for what cannot be used at all: no UTF-8, no rows, headings that do not do.
    """
    lines = count_lines(file)
    file.seek(0)
    with contextlib.closing(records(file)) as rows:
        columns = _columns(rows)
        has_rows = next(rows, None) is not None
    if currency is None and "currency" not in columns.places:
        raise Invalid("the file does not tell the currency of its prices: say ?currency=USD")
    if currency is not None and not is_currency(currency):
        raise Invalid("must be a currency's three letters, such as USD", "currency")
    if not has_rows:
        raise Invalid("the file has headings, but no row below them")
    return Survey(lines, columns.ignored)


def entries(file: BinaryIO, currency: str | None) -> Iterator[Entry | Fault]:
    """The products in a file that `survey` found usable, and every fault, those of a product before
    it. A row with a fault is left out of its product, and no product is without a sound row."""
    rows = records(file)
    columns = _columns(rows)
    group: _Group | None = None
    first_lines: dict[str, int] = {}
    for row in rows:
        if isinstance(row, Fault):
            yield row
            continue
        if not any(map(str.strip, row.cells)):
            continue
        if len(row.cells) != len(columns.names):
            count, wanted = len(row.cells), len(columns.names)
            yield Fault(row.line, "", f"has {count} cells, but there are {wanted} headings")
            continue
        cells = _Cells(row, columns)
        handle = _handle(cells)
        if handle is None:
            yield from cells.faults
            continue
        if group is None or handle != group.handle:
            if group is not None:
                yield from group.ended()
            if handle in first_lines:
                group = None
                cells.fault(
                    "handle",
                    f"is that of line {first_lines[handle]}: the rows of one product must follow "
                    "each other, and two products need two handles",
                )
                yield from cells.faults
                continue
            first_lines[handle] = row.line
            group = _Group(handle, cells, currency)
        group.add(cells)
        yield from cells.faults
    if group is not None:
        yield from group.ended()


class _Columns(NamedTuple):
    names: list[str]
    places: dict[str, int]
    """Where each field is that the file has."""
    ignored: tuple[str, ...]


def _columns(rows: Iterator[Record | Fault]) -> _Columns:
    """The headings, which are the first record. Raises Invalid."""
    first = next(rows, None)
    if first is None:
        raise Invalid("the file has nothing but blank lines")
    if isinstance(first, Fault):
        raise Invalid(f"line {first.line}, which should be the headings, {first.reason}")
    names = [name.strip() for name in first.cells]
    if len(names) > MAX_COLUMNS:
        raise Invalid(f"the file has {len(names)} columns; {MAX_COLUMNS} are the most")
    places: dict[str, int] = {}
    for number, name in enumerate(names):
        field = _FIELDS.get(name.casefold())
        if field is None:
            continue
        if field in places:
            known = names[places[field]]
            raise Invalid(f"the columns {known!r} and {name!r} say the same: leave one of them")
        places[field] = number
    for needed in ("title", "price"):
        if needed not in places:
            raise Invalid(_missing(needed, first.cells))
    ignored = tuple(_shown(name) for name in names if name and name.casefold() not in _FIELDS)
    return _Columns(names, places, ignored)


def _missing(field: str, cells: Sequence[str]) -> str:
    for delimiter, name in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) < 3 and cells[0].count(delimiter) > 1:
            return f"the columns are separated by {name}: save the file with commas"
    wanted = " or ".join(map(repr, _HEADINGS[field]))
    return f"the first line names no column {wanted}: it should be the headings of a product CSV"


class _Cells:
    """One row's cells by their fields, and what is wrong with them."""

    def __init__(self, row: Record, columns: _Columns) -> None:
        self.line = row.line
        self.faults: list[Fault] = []
        self._cells = row.cells
        self._columns = columns

    def has(self, field: str) -> bool:
        """Whether there is such a column."""
        return field in self._columns.places

    def text(self, field: str, longest: int | None = LONGEST_TEXT) -> str:
        """The cell, "" where there is no such column."""
        number = self._columns.places.get(field)
        if number is None:
            return ""
        cell = self._cells[number]
        if "\0" in cell:
            self.fault(field, "has a NUL character: the file is damaged")
            return ""
        text = unescaped(cell) if longest is None else unescaped(cell.strip()).strip()
        if longest is not None and len(text) > longest:
            self.fault(field, f"has {len(text)} characters; {longest} are the most")
            return text[:longest]
        return text

    def fault(self, field: str, reason: str) -> None:
        number = self._columns.places.get(field)
        column = _HEADINGS[field][0] if number is None else self._columns.names[number]
        fault = Fault(self.line, column, reason)
        if fault not in self.faults:  # a cell is looked at more than once
            self.faults.append(fault)


class _Group:
    """Rows of one product, up to now."""

    def __init__(self, handle: str, first: _Cells, currency: str | None) -> None:
        self.handle = handle
        self._line = first.line
        self._title = first.text("title")
        if not self._title:
            first.fault("title", "is missing")
        self._currency = _currency(first, currency)
        self._option_names = _option_names(first)
        self._fields = _product_fields(first)
        self._is_sound = not first.faults
        self._rows = 0
        self._skus: list[SkuDraft] = []
        self._lines: dict[tuple[str, ...], int] = {}
        self._images: dict[str, tuple[int, Image]] = {}
        self._has_images = first.has("image")

    def add(self, row: _Cells) -> None:
        """Take a row, or leave it out for its faults."""
        is_first = row.line == self._line
        if not self._is_sound:
            if not is_first:
                row.fault("handle", f"is that of line {self._line}, which cannot be taken")
            return
        title = row.text("title")
        if title not in ("", self._title):
            row.fault(
                "title",
                f"is not that of line {self._line}, which has the same handle: two products need "
                "two handles",
            )
            return
        is_variant = is_first or any(row.text(field) for field in _VARIANT)
        sku = self._sku(row) if is_variant else None
        image = _image(row)
        if image is not None and image[1].url in self._images:
            image = None
        elif image is not None and len(self._images) == MAX_IMAGES:
            row.fault("image", f"is one too many: a product has at most {MAX_IMAGES}")
        if not is_variant and not row.text("image"):
            row.fault("price", "is missing, and there is no image: this row says nothing")
        if row.faults:
            return
        self._rows += 1
        if sku is not None:
            self._lines[_name(sku)] = row.line
            self._skus.append(sku)
        if image is not None:
            self._images[image[1].url] = image

    def ended(self) -> Iterator[Entry | Fault]:
        """The product, if a variant of it is sound."""
        if not self._is_sound:
            return
        if not self._skus:
            if self._rows:
                yield Fault(self._line, "", "is left out with its images: it has no sound variant")
            return
        names, skus = self._option_names, tuple(self._skus)
        if names == (_DEFAULT_OPTION,) and all(sku.options in _DEFAULT_VALUES for sku in skus):
            names = ()
            skus = tuple(msgspec.structs.replace(sku, options=()) for sku in skus)
        images = sorted(self._images.values(), key=lambda found: found[0])
        yield Entry(
            self._line,
            self._rows,
            tuple(self._lines.values()),
            ProductDraft(
                handle=self.handle,
                title=self._title,
                currency=self._currency,
                skus=skus,
                options=names,
                images=tuple(image for _, image in images) if self._has_images else UNSET,
                **self._fields,
            ),
        )

    def _sku(self, row: _Cells) -> SkuDraft | None:
        """The variant of a row, None where that has faults."""
        text = row.text("price")
        price = 0
        try:
            price = minor_units(text, self._currency)
        except ValueError as error:
            row.fault("price", str(error) if text else "is missing")
        sku = SkuDraft(price=price, options=self._option_values(row), **_sku_fields(row))
        if (line := self._lines.get(_name(sku))) is not None:
            field = "seller_sku" if isinstance(sku.options, UnsetType) else "option1_value"
            row.fault(field, f"makes this the same variant as line {line}")
        if len(self._skus) == MAX_SKUS:
            row.fault("price", f"is of one variant too many: a product has at most {MAX_SKUS}")
        return None if row.faults else sku

    def _option_values(self, row: _Cells) -> tuple[str, ...] | UnsetType:
        names = self._option_names
        if isinstance(names, UnsetType):
            return UNSET
        values = tuple(row.text(f"option{n}_value") for n in _OPTION_NUMBERS)
        for number, value in zip(_OPTION_NUMBERS, values, strict=True):
            if number > len(names) and value not in ("", _DEFAULT_VALUE):
                row.fault(f"option{number}_name", f"is missing on line {self._line}")
            elif number <= len(names) and not value and names != (_DEFAULT_OPTION,):
                name = _shown(names[number - 1])
                row.fault(f"option{number}_value", f"is missing: each variant has its {name}")
        return values[: len(names)]


def _name(sku: SkuDraft) -> tuple[str, ...]:
    """What tells a variant from the others in its product."""
    if not isinstance(sku.options, UnsetType):
        return sku.options
    return () if isinstance(sku.seller_sku, UnsetType) else (sku.seller_sku,)


def _handle(row: _Cells) -> str | None:
    """The handle of a row, made from the title where it has none; None is a fault."""
    handle = row.text("handle")
    if not handle:
        handle = handle_of(row.text("title"))
        if not handle:
            row.fault("handle", "is missing: each row of a product has it")
            return None
    if not _HANDLE.fullmatch(handle):
        row.fault("handle", "must be without blanks and / ? # % \\, as it is in web addresses")
        return None
    return handle


def _currency(row: _Cells, currency: str | None) -> str:
    found = row.text("currency").upper() or currency or ""
    if not is_currency(found):
        row.fault("currency", "must be the three letters of a currency, such as USD")
        return "USD"
    return found


def _option_names(row: _Cells) -> tuple[str, ...] | UnsetType:
    if not row.has("option1_name"):
        return UNSET
    names = [row.text(f"option{n}_name") for n in _OPTION_NUMBERS]
    while names and not names[-1]:
        names.pop()
    for number, name in enumerate(names, start=1):
        if not name:
            row.fault(f"option{number}_name", "is missing, but there is one behind it")
        elif name.casefold() in (other.casefold() for other in names[: number - 1]):
            row.fault(f"option{number}_name", "is the name of another option too")
    return tuple(names)


def _product_fields(row: _Cells) -> dict[str, Any]:
    """The fields of a ProductDraft for which there are columns."""
    fields: dict[str, Any] = {
        field: row.text(field) for field in ("vendor", "type") if row.has(field)
    }
    if row.has("description"):
        fields["description"] = row.text("description", None)
    for field in ("tags", "left_out", "certifications"):
        if row.has(field):
            parts = [part.strip() for part in row.text(field, LONGEST_LIST).split(",")]
            fields[field] = tuple(dict.fromkeys(filter(None, parts)))
    if row.has("status") or row.has("published"):
        fields["status"] = _status(row)
    return fields


def _status(row: _Cells) -> ProductStatus:
    """What Status says, and where it says nothing, Published, as files of before 2020 have it."""
    published = _YES_OR_NO.get(row.text("published").lower())
    if published is None:
        row.fault("published", "must be TRUE or FALSE")
    status = row.text("status").lower()
    if not status:
        return "active" if published else "draft"
    if status not in _STATUSES:
        row.fault("status", f"must be active, draft or archived, not {_shown(status)}")
    return _STATUSES.get(status, "draft")


def _sku_fields(row: _Cells) -> dict[str, Any]:
    """The fields of a SkuDraft for which there are columns, but price and options."""
    fields: dict[str, Any] = {
        field: row.text(field) for field in ("seller_sku", "barcode") if row.has(field)
    }
    if row.has("weight_g"):
        grams = row.text("weight_g")
        if grams and not _GRAMS.fullmatch(grams):
            row.fault("weight_g", f"must be grams, such as 250, not {_shown(grams)}")
            grams = ""
        fields["weight_g"] = round(float(grams)) if grams else None
    if row.has("on_hand"):
        units = row.text("on_hand")
        if units and not _WHOLE.fullmatch(units):
            row.fault("on_hand", f"must be a whole number, not {_shown(units)}")
        elif units.startswith("-"):
            row.fault("on_hand", "is negative: units that are not there cannot be counted")
        else:
            fields["on_hand"] = int(units or 0)
    if row.has("sku_image"):
        fields["image_url"] = _url(row, "sku_image") or None
    return fields


def _image(row: _Cells) -> tuple[int, Image] | None:
    """The image of a row with its place among the product's."""
    url, place = _url(row, "image"), row.text("image_position")
    if place and not _PLACE.fullmatch(place):
        row.fault("image_position", f"must be a number from 1 on, not {_shown(place)}")
        place = ""
    alt = row.text("image_alt", LONGEST_ALT)
    return (int(place) if place else _LAST, Image(url, alt)) if url else None


def _url(row: _Cells, field: str) -> str:
    url = row.text(field, LONGEST_URL)
    if url:
        try:
            web_address(url)
        except ValueError as error:
            row.fault(field, str(error))
    return url


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


# ---- products to rows

_WRITTEN: Final = (
    *("handle", "title", "description", "vendor", "type", "tags", "published"),
    *(f"option{n}_{part}" for n in _OPTION_NUMBERS for part in ("name", "value")),
    *("seller_sku", "weight_g", "on_hand", "price", "barcode"),
    *("image", "image_position", "image_alt", "sku_image", "status"),
    *("currency", "left_out", "certifications"),
)

_ALWAYS: Final[Mapping[str, str]] = {
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Policy": "deny",
    "Variant Fulfillment Service": "manual",
    "Variant Weight Unit": "g",
}
"""What Shopify wants to read of each variant, and we know nothing else of."""


def heading_row() -> str:
    return _written([[*(_HEADINGS[field][0] for field in _WRITTEN), *_ALWAYS]])


def rows(product: Product, on_hand: Mapping[SkuId, int]) -> str:
    """A product as rows that `entries` reads the same product from; `on_hand` are the units."""
    count = max(len(product.skus), len(product.images))
    return _written([_row(product, number, on_hand) for number in range(count)])


def _row(product: Product, number: int, on_hand: Mapping[SkuId, int]) -> list[str]:
    cells: dict[str, str] = {"handle": product.handle}
    if number == 0:
        cells |= _of_product(product)
    sku = product.skus[number] if number < len(product.skus) else None
    if sku is not None:
        cells |= _of_sku(sku, product, on_hand.get(sku.id, 0))
    if number < len(product.images):
        image = product.images[number]
        cells |= {"image": image.url, "image_position": str(number + 1), "image_alt": image.alt}
    fixed = _ALWAYS.values() if sku is not None else [""] * len(_ALWAYS)
    return [*(escaped(cells.get(field, "")) for field in _WRITTEN), *fixed]


def _of_product(product: Product) -> dict[str, str]:
    names = product.options or (_DEFAULT_OPTION,)
    return {
        "title": product.title,
        "description": product.description,
        "vendor": product.vendor,
        "type": product.type,
        "tags": ", ".join(product.tags),
        "published": "true" if product.status == "active" else "false",
        "status": product.status,
        "currency": product.currency,
        "left_out": ", ".join(product.left_out),
        "certifications": ", ".join(product.certifications),
        **{f"option{n}_name": name for n, name in zip(_OPTION_NUMBERS, names, strict=False)},
    }


def _of_sku(sku: Sku, product: Product, on_hand: int) -> dict[str, str]:
    values = sku.options or (_DEFAULT_VALUE,)
    return {
        "seller_sku": sku.seller_sku,
        "weight_g": "" if sku.weight_g is None else str(sku.weight_g),
        "on_hand": str(on_hand),
        "price": decimal(sku.price, product.currency),
        "barcode": sku.barcode,
        "sku_image": sku.image_url or "",
        **{f"option{n}_value": value for n, value in zip(_OPTION_NUMBERS, values, strict=False)},
    }


def _written(table: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(table)
    return text.getvalue()
