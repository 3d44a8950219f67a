import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.catalogue.csv_records import (
    LONGEST_CELL,
    LONGEST_RECORD,
    MOST_LINES,
    Fault,
    Record,
    count_lines,
    records,
)
from sync.errors import Invalid


def read(data: bytes) -> list[Record | Fault]:
    return list(records(io.BytesIO(data)))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_are_counted_as_an_editor_counts_them(end: bytes, mark: bytes) -> None:
    lines = [b"a,b", b'1,"x', b"", b'y"', b"", b"2,3"]
    text = (end.decode() * 2).join(["x", "y"])

    assert read(mark + end.join(lines)) == [
        Record(1, ["a", "b"]),
        Record(2, ["1", text]),
        Record(6, ["2", "3"]),
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'"x"y,1', 'has a quote (") inside a quoted cell: write it twice ("")'),
        (b'"x,1', 'has a quote (") that is never closed'),
    ],
)
def test_a_line_with_a_bad_quote_is_named_and_those_behind_it_are_read(
    line: bytes, reason: str
) -> None:
    assert read(b"a,b\n" + line + b"\n2,3\n4,5\n") == [
        Record(1, ["a", "b"]),
        Fault(2, "", reason),
        Record(3, ["2", "3"]),
        Record(4, ["4", "5"]),
    ]


def test_a_quote_that_swallows_a_whole_file_costs_its_own_line_only() -> None:
    rows = b"".join(b"%d,%s\n" % (n, b"x" * 1000) for n in range(2000))

    first, second, third, *rest = read(b'a,b\n"open,1\n' + rows)

    assert (first, third) == (Record(1, ["a", "b"]), Record(3, ["0", "x" * 1000]))
    assert isinstance(second, Fault)
    assert second.reason.startswith("has a cell of more than 131,072 characters")
    assert len(rest) == 1999


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'"' + b"x" * (LONGEST_CELL + 1) + b'",1', "has a cell of more than 131,072 characters"),
        (b"x" * (3 * LONGEST_RECORD), "goes on for more than 1,048,576 characters"),
        (b"x," * LONGEST_RECORD, "goes on for more than 1,048,576 characters"),
        (b"x" * LONGEST_RECORD + b"\r", "goes on for more than 1,048,576 characters"),
    ],
    ids=["cell", "line", "many cells", "cut within its end"],
)
def test_a_line_that_is_too_long_is_passed_over(line: bytes, reason: str) -> None:
    first, fault, last = read(b"a,b\n" + line + b"\n2,3\n")

    assert (first, last) == (Record(1, ["a", "b"]), Record(3, ["2", "3"]))
    assert isinstance(fault, Fault)
    assert (fault.line, fault.reason[: len(reason)]) == (2, reason)


def test_a_line_that_is_too_long_and_ends_in_cr_hides_none_behind_it() -> None:
    fault, *rest = read(b"x" * LONGEST_RECORD + b"\r" + b"2,3\r4,5")

    assert isinstance(fault, Fault)
    assert rest == [Record(2, ["2", "3"]), Record(3, ["4", "5"])]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04\x14\x00", "the file is a workbook or a ZIP archive, no CSV file"),
        (b"\xd0\xcf\x11\xe0\xa1", "the file is an Excel workbook, no CSV file"),
        (b"\x1f\x8b\x08", "the file is compressed"),
        ("Handle".encode("utf-16"), "the file is UTF-16 text"),
        ("Handle".encode("utf-16-le"), "the file is UTF-16 text"),
        (b"a,b\r\nc,d\r\ncaf\xe9,1\r\n", "line 3 has the byte 0xE9, which is no UTF-8"),
        (b"a\rb\rcaf\xe9,1", "line 3 has the byte 0xE9, which is no UTF-8"),
        (b"a\n" * 40_000 + b"\xe9\n", "line 40001 has the byte 0xE9"),
        (b"\n" * (MOST_LINES + 1), "the file has more than 1,000,000 lines: import it in parts"),
        (b"a,b\ncaf\xc3", "the file ends in the middle of a letter on line 2"),
    ],
)
def test_what_is_no_utf_8_text_is_refused_with_what_it_is(data: bytes, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        count_lines(io.BytesIO(data))

    assert str(refused.value).startswith(reason)


def test_refusals_say_how_to_save_the_file() -> None:
    with pytest.raises(Invalid, match="save it as “CSV UTF-8"):
        count_lines(io.BytesIO(b"caf\xe9,1"))


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"a", 1),
        (b"a\n", 1),
        (b"a\r\nb", 2),
        (b"a\rb\r", 2),
        (b"\n", 1),
        (b"\r", 1),
        (b"\xef\xbb\xbfa\n\nb", 3),
    ],
)
def test_lines_are_counted_to_the_last(data: bytes, lines: int) -> None:
    assert count_lines(io.BytesIO(data)) == lines


CELLS = st.text(alphabet='a",\r\n é\0', max_size=8)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=4), max_size=6), st.booleans())
def test_what_was_written_is_read(rows: list[list[str]], has_mark: bool) -> None:
    file = io.StringIO()
    csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    data = file.getvalue().encode("utf-8-sig" if has_mark else "utf-8")

    assert [record.cells for record in read(data) if isinstance(record, Record)] == rows


@given(st.text(alphabet='a",\r\n', max_size=40))
def test_every_record_and_fault_has_a_line_of_its_own(text: str) -> None:
    found = read(text.encode())

    lines = [each.line for each in found]
    assert lines == sorted(set(lines))
    assert all(1 <= line <= count_lines(io.BytesIO(text.encode())) for line in lines)
