"""Web addresses of images: what one may look like, and which machines may be asked. Pure."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

LONGEST: Final = 2048

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_HOST = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.?"
)
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PORTS = {"http": 80, "https": 443}

_NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        ),
    )
)
"""Within IPv4 and within 2000::/3: IANA's special-purpose registries (RFC 6890), and multicast.
Python's own is_global differs from one version to the next."""

_NEVER = tuple(map(ip_network, ("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "::/128", "ff00::/8")))
"""No machine's own address."""

_GLOBAL_UNICAST = ip_network("2000::/3")

_EMBEDDING = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"), ip_network("::/96"))
"""IPv6 whose last 32 bits are the IPv4 address that is meant (RFC 4291 §2.5.5, RFC 6052)."""


class WebAddress(NamedTuple):
    """`url` is ASCII, and written so that nobody reads another host or port in it; it has no
    fragment."""

    url: str
    host: str
    port: int


def web_address(text: str) -> WebAddress:
    """`text` as an address of http or https.

    Raises ValueError with what is wrong, in words for whoever wrote it. Of the host it says nothing
    but that it can be one.
    """
    if len(text) > LONGEST:
        raise ValueError(f"has {len(text)} characters; {LONGEST} are the most")
    if _FORBIDDEN.search(text):
        raise ValueError("has a blank, a backslash or a control character in it")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is no web address: its host or port cannot be read") from None
    if parts.scheme not in _PORTS:
        raise ValueError("must begin with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("must be without a user name and password")
    host = _host(parts.hostname or "")
    if port is None:
        port = _PORTS[parts.scheme]
    if port == 0:
        raise ValueError("has port 0, which nobody listens on")
    shown = f"[{host}]" if ":" in host else host
    path = quote(parts.path or "/", safe=_ASCII)
    query = f"?{quote(parts.query, safe=_ASCII)}" if parts.query else ""
    return WebAddress(f"{parts.scheme}://{shown}:{port}{path}{query}", host, port)


def may_ask(address: str, *, allow_private: bool) -> bool:
    """Whether to connect to the IP `address`: one that all the world can, and with `allow_private`
    also one of our own network or machine."""
    if "%" in address:  # of a network beside us
        return allow_private
    ip = _meant(ip_address(address))
    if any(ip in network for network in _NEVER):
        return False
    if allow_private:
        return True
    if ip.version == 6 and ip not in _GLOBAL_UNICAST:
        return False
    return not any(ip in network for network in _NOT_PUBLIC)


def _host(host: str) -> str:
    """`host` in lower case and ASCII, an IP address in its usual notation."""
    if ":" in host:
        try:
            return str(IPv6Address(host)) if "%" not in host else _no_host()
        except ValueError:
            return _no_host()
    try:
        ascii_host = host.encode("idna").decode().lower()
    except UnicodeError:
        return _no_host()
    if not _HOST.fullmatch(ascii_host):
        return _no_host()
    if _NUMBER.fullmatch(ascii_host.rstrip(".").rpartition(".")[2]):  # WHATWG URL, host parsing
        try:
            return str(IPv4Address(ascii_host))
        except ValueError:
            raise ValueError("has a number as its host that is no plain IP address") from None
    return ascii_host


def _no_host() -> str:
    raise ValueError("has no host that can be asked")


def _meant(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if ip.version == 6 and int(ip) > 1 and any(ip in network for network in _EMBEDDING):
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip
