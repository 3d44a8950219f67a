"""Days and times as people write them into addresses."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.sales.moments import begin_of, end_of, written

BERLIN = ZoneInfo("Europe/Berlin")
KOLKATA = ZoneInfo("Asia/Kolkata")
ZONES = st.sampled_from([BERLIN, KOLKATA, ZoneInfo("UTC"), ZoneInfo("America/New_York")])


def test_a_day_is_from_midnight_to_midnight_of_the_shops_clock() -> None:
    begin, end = begin_of("2026-10-25", BERLIN), end_of("2026-10-25", BERLIN)

    assert written(begin, BERLIN) == "2026-10-25T00:00:00+02:00"
    assert written(end, BERLIN) == "2026-10-26T00:00:00+01:00"
    assert end - begin == 25 * 3600


@pytest.mark.parametrize(
    "text",
    [
        "2027-01-15T13:30",
        "2027-01-15t13:30:00",
        "2027-01-15T08:00Z",
        "2027-01-15T08:00:00.000z",
        "2027-01-15T03:00:00-05:00",
    ],
)
def test_a_time_is_by_the_shops_clock_unless_it_has_an_offset(text: str) -> None:
    assert begin_of(text, KOLKATA) == end_of(text, KOLKATA) == 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must be a day"),
        ("15.01.2027", "must be a day"),
        ("2027-01-15 13:30", "must be a day"),
        ("2027-01-15T13:30:00 05:30", "has a blank where a + was meant: write it as %2B"),
        ("2027-13-01", "is no day or time that there is"),
        ("2027-01-01T24:30", "is no day or time that there is"),
        ("2027-01-01T20:30+99:00", "is no day or time that there is"),
        ("0001-01-01", "must be in the years 2000 to 2100"),
        ("9999-12-31", "must be in the years 2000 to 2100"),
        ("2026-03-29T02:00", "clocks of Europe/Berlin were put forward"),
    ],
)
def test_what_is_no_day_or_time_is_told_in_words(text: str, reason: str) -> None:
    for read in (begin_of, end_of):
        with pytest.raises(ValueError, match=f"^{re.escape(reason)}"):
            read(text, BERLIN)


def test_a_day_that_begins_after_midnight_begins_when_it_does() -> None:
    beirut = ZoneInfo("Asia/Beirut")

    assert written(begin_of("2026-03-29", beirut), beirut) == "2026-03-29T01:00:00+03:00"


@given(
    at=st.datetimes(datetime(2000, 1, 2), datetime(2100, 12, 30)).map(
        lambda at: at.replace(microsecond=0)
    ),
    zone=ZONES,
)
def test_what_is_written_is_read_again(at: datetime, zone: ZoneInfo) -> None:
    moment = at.replace(tzinfo=zone).timestamp()

    assert begin_of(written(moment, zone), ZoneInfo("UTC")) == moment


@given(text=st.text(max_size=30), zone=ZONES)
def test_any_text_is_read_or_refused(text: str, zone: ZoneInfo) -> None:
    try:
        begin, end = begin_of(text, zone), end_of(text, zone)
    except ValueError:
        return
    assert begin <= end
