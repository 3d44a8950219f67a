"""A CSV file as records, each with the line it begins on, one in memory at a time. Pure.

Lines are counted as an editor counts them: LF, CR LF and CR each end one. What is in quotes may
hold any of them (RFC 4180 §2).
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Generator
from typing import BinaryIO, Final, NamedTuple, TextIO

import msgspec

from sync.errors import Invalid

LONGEST_CELL: Final = 131_072
"""Characters: the limit that the csv module has for the whole process."""

LONGEST_RECORD: Final = 1 << 20
"""Characters."""

MOST_LINES: Final = 1_000_000

_CHUNK_BYTES = 1 << 16

_SIGNATURES = {
    b"PK\x03\x04": "is a workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "is an Excel workbook",
    b"\x1f\x8b": "is compressed",
    b"%PDF": "is a PDF",
}

_AS_UTF_8 = "save it as “CSV UTF-8 (comma delimited)” and try again"

_REASONS = {
    "field larger": f'has a cell of more than {LONGEST_CELL:,} characters; perhaps a quote (") '
    "that opens it is not closed",
    "unexpected end": 'has a quote (") that is never closed',
    "',' expected": 'has a quote (") inside a quoted cell: write it twice ("")',
}
"""What the csv module says, and what we say."""


class Record(NamedTuple):
    """Cells that belong together; `line` is the one they begin on, from 1."""

    line: int
    cells: list[str]


class Fault(msgspec.Struct, frozen=True):
    """What is wrong on a line of a file, under which of its headings, "" for the whole line."""

    line: int
    column: str
    reason: str


def count_lines(file: BinaryIO) -> int:
    """The lines of `file`, read through.

    Raises Invalid for one that is not wholly UTF-8 text or is too long, saying what to do.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    chunk = file.read(_CHUNK_BYTES)
    _check_signature(chunk)
    lines, text = 0, ""
    try:
        while chunk:
            text = newlines.decode(decoder.decode(chunk)) or text
            lines += text.count("\n")
            if lines > MOST_LINES:
                raise Invalid(f"the file has more than {MOST_LINES:,} lines: import it in parts")
            chunk = file.read(_CHUNK_BYTES)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        good = newlines.decode(error.object[: error.start].decode(), final=True)
        line = lines + good.count("\n") + 1
        if error.reason == "unexpected end of data":
            raise Invalid(f"the file ends in the middle of a letter on line {line}") from None
        raise Invalid(
            f"line {line} has the byte 0x{error.object[error.start]:02X}, which is no UTF-8: the "
            f"file is in another encoding, as Excel's plain “CSV” is; {_AS_UTF_8}"
        ) from None
    if held_back := newlines.decode("", final=True):  # a CR at the end
        return lines + held_back.count("\n")
    return lines + (not text.endswith("\n"))


def records(file: BinaryIO) -> Generator[Record | Fault, None, None]:
    """The records of a UTF-8 `file`, with or without a byte order mark; blank lines are left out.

    One that cannot be read is a Fault; reading goes on at the line after the one it begins on.
    `file` is closed with this iterator.
    """
    with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
        lines = _Lines(text)
        reader = csv.reader(lines, strict=True)
        while True:
            line = lines.begin_record()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                lines.begin_again()
                yield Fault(line, "", _reason(str(error)))
                continue
            except _RecordTooLongError:
                lines.begin_again()
                yield Fault(line, "", f"goes on for more than {LONGEST_RECORD:,} characters")
                continue
            if cells:
                yield Record(line, cells)


class _RecordTooLongError(Exception):
    """A record of more than LONGEST_RECORD characters."""


class _Lines:
    """The lines of a file, and once more those of a record that could not be read.

    That reads a line a few times at most: outside of an error, a record ends at the latest with
    the next line that has an odd number of quotes.
    """

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._line = 0
        self._record: list[str] = []
        self._size = 0
        self._again: deque[str] = deque()

    def begin_record(self) -> int:
        """The number of the line that comes next."""
        self._line += len(self._record)
        self._record = []
        self._size = 0
        return self._line + 1

    def begin_again(self) -> None:
        """Give the lines of this record once more, but for the first."""
        self._again.extendleft(reversed(self._record[1:]))
        del self._record[1:]

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self._record.append(line)
        self._size += len(line)
        if self._size > LONGEST_RECORD:
            raise _RecordTooLongError
        return line

    def _read(self) -> str:
        """The next line; of one that is too long, enough to tell."""
        line = self._text.readline(LONGEST_RECORD + 1)
        piece = line
        while len(piece) > LONGEST_RECORD:
            if piece.endswith("\n"):
                break
            is_cut = piece.endswith("\r")
            piece = self._text.readline(LONGEST_RECORD + 1)
            if is_cut and piece != "\n":  # that was a whole line: this is another one
                self._again.append(piece)
                break
        return line


def _check_signature(start: bytes) -> None:
    if not start:
        raise Invalid("the file is empty")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or (
        start[:1000].count(0) > len(start[:1000]) // 4
    ):
        raise Invalid(f"the file is UTF-16 text: {_AS_UTF_8}")
    for signature, kind in _SIGNATURES.items():
        if start.startswith(signature):
            raise Invalid(f"the file {kind}, no CSV file: {_AS_UTF_8}")


def _reason(error: str) -> str:
    for beginning, reason in _REASONS.items():
        if error.startswith(beginning):
            return reason
    return f"is no CSV: {error}"
