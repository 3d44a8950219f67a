import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.images.address import LONGEST, may_ask, web_address


@pytest.mark.parametrize(
    ("text", "url", "host", "port"),
    [
        ("https://cdn.example/a.jpg", "https://cdn.example:443/a.jpg", "cdn.example", 443),
        ("http://cdn.example", "http://cdn.example:80/", "cdn.example", 80),
        ("HTTPS://CDN.Example:8443/A?v=1#x", "https://cdn.example:8443/A?v=1", "cdn.example", 8443),
        ("https://bücher.example/é.jpg", "https://xn--bcher-kva.example:443/%C3%A9.jpg", None, 443),
        ("http://192.0.2.1/a", "http://192.0.2.1:80/a", "192.0.2.1", 80),
        ("http://[2001:DB8::1]/a", "http://[2001:db8::1]:80/a", "2001:db8::1", 80),
        ("http://[::ffff:127.0.0.1]/a", "http://[::ffff:7f00:1]:80/a", "::ffff:7f00:1", 80),
        ("http://１２７.0.0.1/a", "http://127.0.0.1:80/a", "127.0.0.1", 80),
    ],
)
def test_an_address_is_read_in_one_way_only(
    text: str, url: str, host: str | None, port: int
) -> None:
    found = web_address(text)

    assert (found.url, found.port) == (url, port)
    assert host is None or found.host == host


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://cdn.example/a", "must begin with https:// or http://"),
        ("file:///etc/passwd", "must begin with https:// or http://"),
        ("//cdn.example/a", "must begin with https:// or http://"),
        ("https:///a", "has no host that can be asked"),
        ("https://user:secret@cdn.example/", "must be without a user name and password"),
        ("https://cdn.example@127.0.0.1/", "must be without a user name and password"),
        ("https://cdn.example\\@127.0.0.1/", "has a blank, a backslash or a control character"),
        ("https://cdn.example/a b", "has a blank, a backslash or a control character"),
        ("https://cdn.example/a\r\nHost: x", "has a blank, a backslash or a control character"),
        ("https://cdn.example:99999/", "its host or port cannot be read"),
        ("https://cdn.example:0/", "has port 0"),
        ("https://[::1/", "its host or port cannot be read"),
        ("https://[fe80::1%25eth0]/", "has no host that can be asked"),
        ("http://2130706433/", "has a number as its host that is no plain IP address"),
        ("http://0x7f000001/", "has a number as its host that is no plain IP address"),
        ("http://0x7f.1/", "has a number as its host that is no plain IP address"),
        ("http://0177.0.0.1/", "has a number as its host that is no plain IP address"),
        ("http://127.1/", "has a number as its host that is no plain IP address"),
        ("http://127.0.0.1./", "has a number as its host that is no plain IP address"),
        ("http://a..b/", "has no host that can be asked"),
        ("http://a%2eb/", "has no host that can be asked"),
        (f"https://cdn.example/{'a' * LONGEST}", "characters; 2048 are the most"),
    ],
)
def test_what_is_no_plain_web_address_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        web_address(text)


@given(st.text(alphabet="htps:/@[]\\.0127x%#?é \n-", max_size=30))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        found = web_address(text)
    except ValueError:
        return
    assert web_address(found.url) == found


PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "192.0.0.8", "198.18.0.1", "192.88.99.1", "192.0.2.1"),
    *("::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "64:ff9b:1::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1"),
    *("64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1"),
]
NEVER = ["0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "ff02::1"]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_machine_may_be_asked(address: str) -> None:
    assert may_ask(address, allow_private=False)
    assert may_ask(address, allow_private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_machine_of_our_own_network_may_be_asked_only_if_the_settings_allow(address: str) -> None:
    assert not may_ask(address, allow_private=False)
    assert may_ask(address, allow_private=True)


@pytest.mark.parametrize("address", [*NEVER, "::ffff:0.0.0.0"])
def test_what_is_no_machine_is_never_asked(address: str) -> None:
    assert not may_ask(address, allow_private=False)
    assert not may_ask(address, allow_private=True)
