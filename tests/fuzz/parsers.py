"""The parsers that strangers reach, each with inputs to begin from.

A parser takes any bytes. It may refuse them by its documented error and raises nothing else.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mediaserver.flv import FlvError
from mediaserver.rtmp import amf0
from mediaserver.rtmp.chunk import ChunkReader, ChunkWriter
from mediaserver.rtmp.client import ClientSession
from mediaserver.rtmp.errors import ProtocolError
from mediaserver.rtmp.events import MediaKind, MediaReceived, PublishRequested
from mediaserver.rtmp.handshake import SIZE
from mediaserver.rtmp.message import Message, MessageType, command
from mediaserver.rtmp.server import ServerSession
from mediaserver.rtmp.units import UnitReader
from mediaserver.webrtc.feedback import RtcpError, parse_rtcp
from mediaserver.webrtc.rtp import RtpError, parse_rtp
from mediaserver.webrtc.sdp import (
    Candidate,
    Fingerprint,
    IceCredentials,
    SdpError,
    parse_fragment,
    parse_offer,
    write_answer,
)
from sync.catalogue.csv_records import Fault
from sync.catalogue.merging import Merged, merged
from sync.catalogue.product_draft import Ids
from sync.catalogue.shopify_csv import Entry, entries, heading_row, rows, survey
from sync.errors import Invalid
from sync.images.address import web_address
from sync.tiktok import webhooks

OFFERS = Path(__file__).parents[1] / "webrtc" / "offers"
SHAKEN = b"\3" + bytes(2 * SIZE)
"""A peer's half of the handshake."""

_FRAGMENT = (
    "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n"
    "a=end-of-candidates\r\n"
)


@dataclass(frozen=True, slots=True)
class Parser:
    parse: Callable[[bytes], None]
    seeds: tuple[bytes, ...]


def _amf0(data: bytes) -> None:
    with suppress(ProtocolError):
        amf0.encode(*amf0.decode(data))


def _chunks(data: bytes) -> None:
    reader = ChunkReader(max_message_size=1 << 20)
    with suppress(ProtocolError):
        for start in range(0, len(data), 7):
            reader.receive(data[start : start + 7])


def _rtmp_client(data: bytes) -> None:
    session = ClientSession("live", "rtmp://host/live", "key")
    with suppress(ProtocolError):
        session.receive(SHAKEN)
        session.receive(data)
        session.data_to_send()


def _rtmp_server(data: bytes) -> None:
    """A publisher, up to the access units of what it sends."""
    session, units = ServerSession(), UnitReader()
    with suppress(ProtocolError, FlvError):
        session.receive(SHAKEN)
        for event in session.receive(data):
            if isinstance(event, PublishRequested):
                session.accept()
            elif isinstance(event, MediaReceived):
                units.read(event, 0.0)
        session.data_to_send()


def _units(data: bytes) -> None:
    """Messages of a publisher: kind, length, time and body, one after the other."""
    units = UnitReader()
    with suppress(FlvError):
        while len(data) > 3:
            length, time_ms = data[1], data[2] * 40
            kind: MediaKind = "video" if data[0] & 1 else "audio"
            units.read(MediaReceived(kind, time_ms, data[3 : 3 + length]), 0.0)
            data = data[3 + length :]


def _offer(data: bytes) -> None:
    with suppress(SdpError):
        write_answer(
            parse_offer(data.decode(errors="replace")),
            session_id=1,
            credentials=IceCredentials("user", "password"),
            fingerprint=Fingerprint("sha-256", "AB:CD"),
            candidates=(Candidate("1", 1, "192.0.2.1", 9, "host"),),
        )


def _fragment(data: bytes) -> None:
    with suppress(SdpError):
        parse_fragment(data.decode(errors="replace"))


def _rtp(data: bytes) -> None:
    with suppress(RtpError):
        parse_rtp(data, 3, 4)


def _rtcp(data: bytes) -> None:
    with suppress(RtcpError):
        parse_rtcp(data)


def _tiktok_webhook(data: bytes) -> None:
    with suppress(Invalid):
        webhooks.parse(data)


def _product_csv(data: bytes) -> None:
    """A file of products, up to what would be kept of it: written out and read, it is the same."""
    with suppress(Invalid):
        survey(io.BytesIO(data), "USD")
        for found in _merged(data):
            on_hand = {sku.id: found.on_hand.get(sku.id, 0) for sku in found.product.skus}
            text = heading_row() + rows(found.product, on_hand)
            (again,) = _merged(text.encode())
            assert again.product == found.product, text
            assert again.on_hand == on_hand, text


def _merged(data: bytes) -> Iterator[Merged]:
    for found in entries(io.BytesIO(data), "USD"):
        if isinstance(found, Entry):
            product = merged(found, None, Ids(lambda: 0.0, lambda _bits: 0))
            if not isinstance(product, Fault):
                yield product


def _web_address(data: bytes) -> None:
    with suppress(ValueError):
        found = web_address(data.decode(errors="replace"))
        assert web_address(found.url) == found


_PRODUCTS = (
    "Handle,Title,Body (HTML),Tags,Status,Option1 Name,Option1 Value,Variant SKU,Variant Grams,"
    "Variant Inventory Qty,Variant Price,Image Src,Image Position,Shopcast / Currency\r\n"
    'a,A,"<p>x,\ny""</p>","b, c",draft,Size,S,\'=1,2.5,3,12.50,https://a.example/é,1,JPY\r\n'
    "a,,,,,,M,,,,1,,,\r\na,,,,,,,,,,,http://b.example/,2,\r\n,B,,,,Title,Default Title,,,,$5,,,\r\n"
)


def _publisher() -> bytes:
    """What an encoder sends after the handshake, to its first picture."""
    chunks = ChunkWriter()
    messages = [
        command("connect", 1, {"app": "live", "tcUrl": "rtmp://host/live"}),
        command("releaseStream", 2, None, "key"),
        command("createStream", 4, None),
        command("publish", 5, None, "key", "live"),
        Message(MessageType.VIDEO, 1, 0, _AVC_HEADER),
        Message(MessageType.AUDIO, 1, 0, b"\xaf\0\x11\x90"),
        Message(MessageType.VIDEO, 1, 40, b"\x17\1\0\0\0\0\0\0\2\x65\x88"),
        Message(MessageType.AUDIO, 1, 40, b"\xaf\1\x21\x10\4"),
    ]
    return b"".join(chunks.write(3, message) for message in messages)


def _server() -> bytes:
    """What a server answers a publisher after the handshake."""
    chunks = ChunkWriter()
    status: dict[str, amf0.Value] = {"level": "status", "code": "NetStream.Publish.Start"}
    messages = [
        command("_result", 1, {"fmsVer": "FMS/3,5,7"}, {"code": "NetConnection.Connect.Success"}),
        command("_result", 4, None, 1.0),
        command("onStatus", 0, None, status, stream_id=1),
    ]
    return b"".join(chunks.write(3, message) for message in messages)


_AVC_HEADER = bytes.fromhex("1700000000 0142c01effe1000467 42c01e01000468ce3c80")

PARSERS = {
    "amf0": Parser(_amf0, (amf0.encode("connect", 1.0, {"app": "live"}, [None, True, "é"]),)),
    "rtmp-chunks": Parser(_chunks, (_publisher(), _server())),
    "rtmp-client": Parser(_rtmp_client, (_server(),)),
    "rtmp-server": Parser(_rtmp_server, (_publisher(),)),
    "rtmp-units": Parser(
        _units,
        (
            b"\1\x18\0" + _AVC_HEADER + b"\1\x0b\1\x17\1\0\0\0\0\0\0\2\x65\x88",
            b"\0\4\0\xaf\0\x11\x90",
        ),
    ),
    "sdp-offer": Parser(_offer, tuple(path.read_bytes() for path in sorted(OFFERS.iterdir()))),
    "whip-fragment": Parser(_fragment, (_FRAGMENT.encode(),)),
    "rtp": Parser(_rtp, (bytes.fromhex("b0e0000100000002000000 03bede0001 31002a40 7c85 88"),)),
    "product-csv": Parser(_product_csv, (_PRODUCTS.encode(), _PRODUCTS.encode("utf-8-sig"))),
    "web-address": Parser(
        _web_address,
        (b"https://cdn.example:8443/a.jpg?v=1", "http://[::1]/bücher".encode(), b"http://0x7f.1/"),
    ),
    "tiktok-webhook": Parser(
        _tiktok_webhook,
        (
            b'{"type":1,"shop_id":"7","data":{"order_id":"5","order_status":"CANCEL"}}',
            b'{"type":37,"data":{"product_id":5,"audit":{"pre_approved_reason":"KYC_PENDING"}}}',
        ),
    ),
    "rtcp": Parser(
        _rtcp, (bytes.fromhex("80c80006000000010000000200000003000000040000000500000006"),)
    ),
}
