from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.rtmp import amf0
from mediaserver.rtmp.errors import ProtocolError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
VALUES: st.SearchStrategy[amf0.Value] = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4).map(amf0.EcmaArray)
    ),
    max_leaves=12,
)


@given(st.lists(VALUES, max_size=5))
def test_values_survive_the_round_trip(values: list[amf0.Value]) -> None:
    assert amf0.decode(amf0.encode(*values)) == values


@given(st.binary(max_size=200))
def test_hostile_bytes_raise_nothing_but_protocol_error(data: bytes) -> None:
    with suppress(ProtocolError):
        amf0.decode(data)


def test_a_command_is_encoded_as_the_specification_says() -> None:
    assert amf0.encode("connect", 1, {"app": "live", "fpad": False}, None) == bytes.fromhex(
        "020007636f6e6e656374"  # "connect"
        "003ff0000000000000"  # 1.0
        "0300036170700200046c697665000466706164"
        "0100"
        "000009"  # the object
        "05"  # null
    )


def test_long_strings_have_a_length_of_four_bytes() -> None:
    assert amf0.encode("x" * 65_536)[:5] == bytes.fromhex("0c00010000")
    assert amf0.decode(b"\x0c\0\0\0\3abc") == ["abc"]


def test_what_other_peers_send_is_understood() -> None:
    undefined, unsupported = b"\x06", b"\x0d"
    date = bytes.fromhex("0b408f4000000000000000")
    xml = bytes.fromhex("0f00000003") + b"<a>"
    typed = bytes.fromhex("100001590001780101000009")
    assert amf0.decode(undefined + unsupported + date + xml + typed) == [
        None,
        None,
        1000.0,
        "<a>",
        {"x": True},
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes.fromhex("00400000"), "cut short"),
        (bytes.fromhex("0a7fffffff05"), "cut short"),
        (bytes.fromhex("0300006105"), "without a name"),
        (bytes.fromhex("070000"), "type 0x07 is not supported"),
        (bytes.fromhex("0a00000001") * 1000, "nested too deeply"),
    ],
)
def test_broken_data_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        amf0.decode(data)


def test_a_member_without_a_name_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="1 to 65535 bytes"):
        amf0.encode({"": 1})


def test_more_than_any_command_needs_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(ProtocolError, match="4194304 bytes"):
        amf0.decode(b"\5" * (4 << 20))
