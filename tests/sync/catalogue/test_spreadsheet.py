import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.catalogue.spreadsheet import escaped, unescaped


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_text_that_a_spreadsheet_would_run_is_made_text(first: str) -> None:
    assert escaped(f"{first}1+1") == f"'{first}1+1"


@pytest.mark.parametrize("text", ["", "mug", "1-2", "'90s shirt", "it's", "a=b"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert escaped(text) == unescaped(text) == text


@given(st.text(alphabet="'=+-@\t\r\na ", max_size=6))
def test_every_text_is_given_back(text: str) -> None:
    assert unescaped(escaped(text)) == text
