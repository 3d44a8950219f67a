"""SDP as WHIP and WHEP use it: an offer to send, or to receive, at most one video and one audio
track, and our answer.

An offer that cannot be taken whole is refused whole: single m-lines are never rejected
(RFC 9725 §4.4.3). Sources: RFC 8866 (SDP), RFC 9429 §5.3 (answers), RFC 9143 (BUNDLE), RFC 8839 §5
(candidates), RFC 8840 §9 (trickle fragments), RFC 8842 §5 (setup), RFC 8858 (rtcp-mux-only).
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Never

from mediaserver.errors import BadRequest
from mediaserver.packet import Codec, Kind

TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
VIDEO_ORIENTATION = "urn:3gpp:video-orientation"
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
START_BITRATE_KBPS = 2500
"""Where a libwebrtc sender starts instead of 300: 720p at once. Its own congestion control
(transport-wide feedback) leaves the rate within a second when the network does not carry it."""

MAX_CANDIDATES = 32
"""More of a peer's candidates are left out: each is an address that we send checks to."""

Setup = Literal["active", "passive"]
Peer = Literal["sender", "receiver"]
"""What the offerer is to be: a host who publishes, or a player."""

_PROTOCOLS = ("UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "RTP/SAVPF")
_DIGEST_BYTES = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_HIGH_PROFILE = "profile-level-id=64"
"""What our encoder makes. Players that offer others only, take it too."""
_WORDS: dict[Codec, str] = {
    "h264": "H.264 (packetization-mode=1)",
    "vp8": "VP8",
    "opus": "Opus",
}
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_TOKEN = re.compile(r"[!#-'*+.0-9A-Z^-~-]{1,64}")


class SdpError(BadRequest):
    """A session description that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ICE candidate over UDP at a literal address."""

    foundation: str
    priority: int
    address: str
    port: int
    kind: str

    def __str__(self) -> str:
        return (
            f"{self.foundation} 1 udp {self.priority} {self.address} {self.port} typ {self.kind}"
            + (" raddr 0.0.0.0 rport 0" if self.kind != "host" else "")
        )


@dataclass(frozen=True, slots=True)
class IceCredentials:
    ufrag: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Digest of a certificate: `value` in upper-case hexadecimal with colons."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Format:
    """A codec of the offer that we take, with what we take of its extras.

    `parameter_sets` are H.264's from the offer, in Annex B.
    """

    payload_type: int
    codec: Codec
    parameters: str
    feedback: tuple[str, ...]
    rtx_payload_type: int | None
    parameter_sets: bytes


@dataclass(frozen=True, slots=True)
class Media:
    """One m-section of an offer; `formats` in the sender's order of preference, never empty."""

    kind: Kind
    mid: str
    protocol: str
    formats: tuple[Format, ...]
    extensions: tuple[tuple[int, str], ...]
    reduced_size_rtcp: bool


@dataclass(frozen=True, slots=True)
class Stream:
    """What we send in the m-section of its kind; streams of one `cname` share a clock."""

    kind: Kind
    ssrc: int
    rtx_ssrc: int
    cname: str


@dataclass(frozen=True, slots=True)
class Offer:
    media: tuple[Media, ...]
    credentials: IceCredentials
    fingerprints: tuple[Fingerprint, ...]
    setup: Setup
    """The role the answerer takes."""
    candidates: tuple[Candidate, ...]

    def extension(self, uri: str) -> int | None:
        """The id of a header extension; it is the same in all sections of a bundle."""
        return next((i for m in self.media for i, u in m.extensions if u == uri), None)


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a trickle PATCH carries; `credentials` None when it names none."""

    credentials: IceCredentials | None
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True)
class _Terms:
    """What we take of an offer: codecs, extensions and feedback; not these directions."""

    codecs: Mapping[Kind, tuple[Codec, ...]]
    extensions: tuple[str, ...]
    feedback: tuple[str, ...]
    refused: tuple[str, ...]
    refusal: str


_TERMS: Mapping[Peer, _Terms] = {
    "sender": _Terms(
        {"video": ("h264", "vp8"), "audio": ("opus",)},
        (TRANSPORT_CC, VIDEO_ORIENTATION, MID),
        ("transport-cc", "goog-remb", "nack", "nack pli"),
        ("recvonly", "inactive"),
        "is not offered for sending: use sendonly",
    ),
    # The rate and the keyframes are those of all who read the canvas: a player gets repairs alone.
    "receiver": _Terms(
        {"video": ("h264",), "audio": ("opus",)},
        (),
        ("nack",),
        ("sendonly", "inactive"),
        "is not offered for receiving: use recvonly",
    ),
}


class _Section:
    """The attributes of the session or of one m-section."""

    def __init__(self, media: str | None = None) -> None:
        self.media = media
        self.attributes: list[tuple[str, str]] = []

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]

    def first(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.attributes)


def parse_offer(text: str, peer: Peer = "sender") -> Offer:
    """The offer in `text`. Raises SdpError for all that cannot be taken.

    Of a receiver's formats the one that we send is left, in each m-section.
    """
    session, *sections = _sections(text)
    if not text.startswith("v=0"):
        raise SdpError("an SDP offer begins with v=0")
    if not sections:
        raise SdpError("the offer has no media")
    media = tuple(_media(section, peer) for section in sections)
    for kind in ("audio", "video"):
        if sum(m.kind == kind for m in media) > 1:
            raise SdpError(f"more than one {kind} track: offer one video and one audio track")
    published = {
        value.split()[0] for section in sections for value in section.all("msid") if value.strip()
    } - {"-"}
    if peer == "sender" and len(published) > 1:
        raise SdpError("more than one media stream: put both tracks into one")
    mids = [m.mid for m in media]
    bundle = next((g.split()[1:] for g in session.all("group") if g.startswith("BUNDLE")), [])
    if len(set(mids)) != len(mids) or not set(mids) <= set(bundle):
        raise SdpError("all media must be in one BUNDLE group (bundlePolicy: max-bundle)")
    tagged = sections[mids.index(next(mid for mid in bundle if mid in mids))]
    if not tagged.has("rtcp-mux"):
        raise SdpError("rtcp-mux is required")
    return Offer(
        media,
        _credentials(tagged, session) or _missing("ice-ufrag and ice-pwd"),
        _fingerprints(tagged, session),
        _answered_setup(tagged.first("setup") or session.first("setup") or "actpass"),
        _candidates((session, *sections)),
    )


def parse_fragment(text: str) -> Fragment:
    """The trickle fragment in `text`. Raises SdpError."""
    session, *sections = _sections(text)
    everything = (session, *sections)
    credentials = next((c for s in everything if (c := _credentials(s, session))), None)
    if credentials is None and not any(
        s.has("candidate") or s.has("end-of-candidates") for s in everything
    ):
        raise SdpError("the fragment names neither candidates nor credentials")
    return Fragment(credentials, _candidates(everything))


def write_answer(
    offer: Offer,
    *,
    session_id: int,
    credentials: IceCredentials,
    fingerprint: Fingerprint,
    candidates: Sequence[Candidate],
    streams: Sequence[Stream] = (),
) -> str:
    """Our answer to `offer`, everything in one bundle: to a receiver with the `streams` that we
    send, to a sender without any."""
    sent = {stream.kind: stream for stream in streams}
    lines = [
        "v=0",
        f"o=- {session_id} 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(m.mid for m in offer.media)}",
        "a=ice-options:trickle ice2",
    ]
    for index, media in enumerate(offer.media):
        payload_types = [
            pt
            for f in media.formats
            for pt in (f.payload_type, f.rtx_payload_type)
            if pt is not None
        ]
        lines += [
            f"m={media.kind} 9 {media.protocol} {' '.join(map(str, payload_types))}",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{media.mid}",
            f"a=ice-ufrag:{credentials.ufrag}",
            f"a=ice-pwd:{credentials.password}",
            f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}",
            f"a=setup:{offer.setup}",
            "a=sendonly" if media.kind in sent else "a=recvonly",
            "a=rtcp-mux",
            "a=rtcp-mux-only",
        ]
        if media.reduced_size_rtcp:
            lines.append("a=rtcp-rsize")
        lines += [f"a=extmap:{identifier} {uri}" for identifier, uri in media.extensions]
        lines += [line for f in media.formats for line in _format_lines(f)]
        if media.kind in sent:
            lines += _stream_lines(sent[media.kind], media.formats[0])
        if index == 0:
            lines += [f"a=candidate:{candidate}" for candidate in candidates]
            lines.append("a=end-of-candidates")
    return "".join(f"{line}\r\n" for line in lines)


def _sections(text: str) -> list[_Section]:
    sections = [_Section()]
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line:
            continue
        if len(line) < 2 or line[1] != "=" or not line[0].isalpha():
            raise SdpError(f"not a line of SDP: {line[:40]!r}")
        if line[0] == "m":
            sections.append(_Section(line[2:]))
        elif line[0] == "a":
            name, _, value = line[2:].partition(":")
            sections[-1].attributes.append((name, value))
    return sections


def _media(section: _Section, peer: Peer) -> Media:
    words = (section.media or "").split()
    if len(words) < 4:
        raise SdpError("an m= line has a kind, a port, a protocol and formats")
    name, _, protocol, *numbers = words
    if name == "application":
        raise SdpError("data channels are not taken here: offer audio and video only")
    kind: Kind
    if name == "video":
        kind = "video"
    elif name == "audio":
        kind = "audio"
    else:
        raise SdpError(f"media of kind {name[:20]!r} is not taken here")
    if protocol not in _PROTOCOLS:
        raise SdpError(f"{kind} must use {_PROTOCOLS[0]}")
    mid = section.first("mid")
    if mid is None or not _TOKEN.fullmatch(mid):
        raise SdpError(f"{kind} needs a mid")
    terms = _TERMS[peer]
    if any(section.has(direction) for direction in terms.refused):
        raise SdpError(f"{kind} {terms.refusal}")
    formats = _formats(section, kind, peer, [_number(n, "payload type", 127) for n in numbers])
    if not formats:
        wanted = " or ".join(_WORDS[codec] for codec in terms.codecs[kind])
        raise SdpError(f"no usable {kind} codec: offer {wanted}")
    if peer == "receiver":
        formats = (next((f for f in formats if _HIGH_PROFILE in f.parameters), formats[0]),)
    extensions = (_extension(value) for value in section.all("extmap"))
    return Media(
        kind,
        mid,
        protocol,
        formats,
        tuple((i, uri) for i, uri in extensions if uri in terms.extensions and 0 < i < 15),
        section.has("rtcp-rsize"),
    )


def _formats(
    section: _Section, kind: Kind, peer: Peer, offered: Sequence[int]
) -> tuple[Format, ...]:
    terms = _TERMS[peer]
    maps = _by_payload_type(section.all("rtpmap"))
    parameters = {
        pt: _parameters(value) for pt, value in _by_payload_type(section.all("fmtp")).items()
    }
    feedback = [value.partition(" ") for value in section.all("rtcp-fb")]
    rtx = {
        values["apt"]: pt
        for pt, values in parameters.items()
        if pt in offered and "apt" in values and maps.get(pt, "").lower() == "rtx/90000"
    }
    formats = []
    for pt in offered:
        values = parameters.get(pt, {})
        codec = _codec(maps.get(pt, "").lower(), values)
        if codec not in terms.codecs[kind]:
            continue
        wanted = {what.strip() for number, _, what in feedback if number in ("*", str(pt))}
        formats.append(
            Format(
                pt,
                codec,
                _answered_parameters(
                    codec, values, tuned=peer == "sender" and "transport-cc" in wanted
                ),
                tuple(f for f in terms.feedback if f in wanted),
                rtx.get(str(pt)),
                _parameter_sets(values.get("sprop-parameter-sets", "")),
            )
        )
    return tuple(formats)


def _codec(rtpmap: str, parameters: dict[str, str]) -> Codec | None:
    if rtpmap == "opus/48000/2":
        return "opus"
    if rtpmap == "vp8/90000":
        return "vp8"
    if rtpmap == "h264/90000" and parameters.get("packetization-mode") == "1":
        return "h264"
    return None


def _answered_parameters(codec: Codec, offered: dict[str, str], *, tuned: bool) -> str:
    """What the answer's fmtp says; `tuned` for libwebrtc senders, which know the start rate."""
    if codec == "opus":
        return "minptime=10;stereo=1"
    answered = []
    if codec == "h264":
        answered = ["level-asymmetry-allowed=1", "packetization-mode=1"]
        profile = offered.get("profile-level-id", "")
        if re.fullmatch(r"[0-9A-Fa-f]{6}", profile):
            answered.append(f"profile-level-id={profile}")
    if tuned:
        answered.append(f"x-google-start-bitrate={START_BITRATE_KBPS}")
    return ";".join(answered)


def _parameter_sets(value: str) -> bytes:
    """`sprop-parameter-sets` (RFC 6184 §8.1) in Annex B; nothing if it is not sound."""
    try:
        units = [base64.b64decode(part, validate=True) for part in value.split(",") if part]
    except (binascii.Error, ValueError):
        return b""
    return b"".join(b"\x00\x00\x00\x01" + unit for unit in units)


def _format_lines(format_: Format) -> Iterator[str]:
    pt = format_.payload_type
    name = {"h264": "H264/90000", "vp8": "VP8/90000"}.get(format_.codec, "opus/48000/2")
    yield f"a=rtpmap:{pt} {name}"
    for feedback in format_.feedback:
        yield f"a=rtcp-fb:{pt} {feedback}"
    if format_.parameters:
        yield f"a=fmtp:{pt} {format_.parameters}"
    if format_.rtx_payload_type is not None:
        yield f"a=rtpmap:{format_.rtx_payload_type} rtx/90000"
        yield f"a=fmtp:{format_.rtx_payload_type} apt={pt}"


def _stream_lines(stream: Stream, format_: Format) -> Iterator[str]:
    """Both tracks are of one stream, which tells the player to bring them in step."""
    yield f"a=msid:{stream.cname} {stream.cname}-{stream.kind}"
    yield f"a=ssrc:{stream.ssrc} cname:{stream.cname}"
    if format_.rtx_payload_type is not None:
        yield f"a=ssrc-group:FID {stream.ssrc} {stream.rtx_ssrc}"
        yield f"a=ssrc:{stream.rtx_ssrc} cname:{stream.cname}"


def _by_payload_type(values: Sequence[str]) -> dict[int, str]:
    """`rtpmap` or `fmtp` lines: payload type → the rest."""
    found = {}
    for value in values:
        number, _, rest = value.partition(" ")
        found[_number(number, "payload type", 127)] = rest.strip()
    return found


def _parameters(value: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in value.split(";"))
    return {name.strip().lower(): content.strip() for name, _, content in pairs}


def _extension(value: str) -> tuple[int, str]:
    number, _, rest = value.partition(" ")
    uri = rest.split(" ")[0]
    return _number(number.partition("/")[0], "extmap id", 4351), uri


def _credentials(section: _Section, session: _Section) -> IceCredentials | None:
    ufrag = section.first("ice-ufrag") or session.first("ice-ufrag")
    password = section.first("ice-pwd") or session.first("ice-pwd")
    if ufrag is None or password is None:
        return None
    if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
        raise SdpError("ice-ufrag or ice-pwd is malformed")
    return IceCredentials(ufrag, password)


def _fingerprints(section: _Section, session: _Section) -> tuple[Fingerprint, ...]:
    found = []
    for value in section.all("fingerprint") or session.all("fingerprint"):
        algorithm, _, digest = value.strip().partition(" ")
        size = _DIGEST_BYTES.get(algorithm.lower())
        if size is None:
            continue
        if not re.fullmatch(rf"[0-9A-Fa-f]{{2}}(:[0-9A-Fa-f]{{2}}){{{size - 1}}}", digest.strip()):
            raise SdpError("the certificate's fingerprint is malformed")
        found.append(Fingerprint(algorithm.lower(), digest.strip().upper()))
    return tuple(found) or _missing("a certificate's fingerprint (sha-256)")


def _answered_setup(offered: str) -> Setup:
    """A server waits for the handshake (passive) unless the peer can only wait (RFC 8842 §5.3)."""
    if offered in ("actpass", "active"):
        return "passive"
    if offered == "passive":
        return "active"
    raise SdpError(f"setup:{offered[:20]} is not taken here")


def _candidates(sections: Sequence[_Section]) -> tuple[Candidate, ...]:
    found = (_candidate(value) for section in sections for value in section.all("candidate"))
    return tuple(c for c in found if c is not None)[:MAX_CANDIDATES]


def _candidate(value: str) -> Candidate | None:
    """None for one we cannot use: TCP, a name instead of an address (RFC 9725 §4.3.2)."""
    words = value.split()
    if len(words) < 8 or words[6] != "typ":
        raise SdpError("a candidate is malformed")
    foundation, component, transport, priority, address, port, _, kind = words[:8]
    number = _number(port, "candidate's port", 65535)
    weight = _number(priority, "candidate's priority", (1 << 32) - 1)
    if transport.lower() != "udp" or component != "1" or kind not in ("host", "srflx", "relay"):
        return None
    try:
        literal = str(ipaddress.ip_address(address))
    except ValueError:
        return None
    return Candidate(foundation[:32], weight, literal, number, kind) if number else None


def _number(text: str, what: str, largest: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= largest):
        raise SdpError(f"a {what} is malformed: {text[:20]!r}")
    return int(text)


def _missing(what: str) -> Never:
    raise SdpError(f"the offer lacks {what}")
