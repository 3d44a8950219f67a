"""ICE, DTLS and SRTP for one peer: the one module that knows private names of aiortc and aioice.

aiortc and aioice make the connection. Once it stands, media does not pass through their queues
and tasks: a datagram goes from the socket through SRTP to its handler in one call.

What is leant on (aiortc 1.16, aioice 0.13): Connection.get_component_candidates, _protocols,
_queue, _nominated, data_received, request_received, query_consent;
StunProtocol.datagram_received, transport;
RTCDtlsTransport._set_role, _rx_srtp, _tx_srtp, and the _recv and _send that it calls.
"""

import asyncio
import ipaddress
import logging
import random
import secrets
import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import ifaddr
import pylibsrtp
from aioice import Candidate as AioiceCandidate
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol, server_reflexive_candidate
from aioice.stun import Message, TransactionError
from aiortc import (
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    RTCIceServer,
    RTCIceTransport,
)
from aiortc.rtcicetransport import connection_kwargs

from mediaserver.errors import NodeFull, ShopcastError
from mediaserver.settings import IceServer, is_loopback
from mediaserver.webrtc.datagrams import UdpTransport
from mediaserver.webrtc.sdp import (
    MAX_CANDIDATES,
    Candidate,
    Fingerprint,
    IceCredentials,
    Offer,
    Setup,
    Stream,
    write_answer,
)

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 20.0
SERVER_TIMEOUT_S = 2
"""How long the answer waits for STUN and TURN servers; those that are slower are left out."""
RECEIVE_BUFFER_BYTES = 1 << 20
"""Half a second of a feed at 15 Mbit/s: what may come while the loop is busy."""
SEND_BUFFER_BYTES = 1 << 20
"""A keyframe of several viewers may wait for a network card that is busy."""
MAX_HANDSHAKE_BACKLOG = 64
CONSENT_S = 30.0
"""A peer that has not answered for so long has left (RFC 7675 §5.1)."""
CONSENT_INTERVAL_S = 5.0

DatagramHandler = Callable[[bytes], None]


class TransportError(ShopcastError):
    """The connection to the peer could not be made."""


@dataclass(frozen=True)
class IceSettings:
    """Where media comes in.

    `host` is what the HTTP server is bound to. Loopback alone (without `public_ip`) is answered
    with loopback alone, an address with that address, 0.0.0.0 or :: with all there are.
    `public_ip` is what a NAT in front shows for our address. `udp_ports` are first and last.
    """

    host: str = "127.0.0.1"
    public_ip: str | None = None
    udp_ports: tuple[int, int] | None = None
    servers: tuple[IceServer, ...] = ()

    def addresses(self) -> list[str]:
        """The machine's addresses to listen on, the most useful first."""
        if is_loopback(self.host) and self.public_ip is None:
            return ["::1" if ":" in self.host else "127.0.0.1"]
        with suppress(ValueError):
            bound = ipaddress.ip_address(self.host)
            if not bound.is_unspecified and not bound.is_loopback:
                return [self.host]
        found = [
            ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            for adapter in ifaddr.get_adapters()
            for ip in adapter.ips
            if isinstance(ip.ip, str) or (ip.ip[2] == 0 and ":" in self.host)
        ]
        return sorted(dict.fromkeys(found), key=lambda a: (is_loopback(a), ":" in a))


class PeerTransport:
    """One peer's connection, from gathering to the end.

    `on_rtp` and `on_rtcp` get each packet decrypted, on the event loop, within a round.
    `closed` is set when the connection has ended, by whichever side.
    """

    def __init__(
        self, settings: IceSettings, *, on_rtp: DatagramHandler, on_rtcp: DatagramHandler
    ) -> None:
        self.closed = asyncio.Event()
        self.srtp_errors = 0
        self._on_rtp = on_rtp
        self._on_rtcp = on_rtcp
        self._candidates_left = MAX_CANDIDATES
        self._connection = IceConnection(settings)
        self._certificate = RTCCertificate.generateCertificate()
        path = cast(RTCIceTransport, _DatagramPath(self._connection))
        self._dtls = RTCDtlsTransport(path, [self._certificate])
        self._dtls.on("statechange", self._dtls_changed)
        self._srtp_out: pylibsrtp.Session | None = None

    @property
    def age_s(self) -> float:
        """How long ago the packet came that a handler has at the moment."""
        return self._connection.age_s

    @property
    def credentials(self) -> IceCredentials:
        return IceCredentials(self._connection.local_username, self._connection.local_password)

    @property
    def fingerprint(self) -> Fingerprint:
        first = self._certificate.getFingerprints()[0]
        return Fingerprint(first.algorithm, first.value)

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All our candidates, once gathered."""
        return self._connection.answered_candidates()

    async def gather(self) -> None:
        """Open the sockets and ask the STUN and TURN servers. Raises NodeFull without a port."""
        await self._connection.gather_candidates()
        if not self._connection.local_candidates:
            raise NodeFull("connections (no UDP port is free)")

    async def answer(self, offer: Offer, streams: Sequence[Stream] = ()) -> str:
        """Gather our candidates, take the offer's, and answer it, with the `streams` that we send.

        Raises NodeFull without a UDP port.
        """
        await self.gather()
        await self.add_candidates(offer.candidates)
        return write_answer(
            offer,
            session_id=secrets.randbits(62),
            credentials=self.credentials,
            fingerprint=self.fingerprint,
            candidates=self.candidates,
            streams=streams,
        )

    async def add_candidates(self, candidates: Sequence[Candidate]) -> None:
        """Try these too. What exceeds MAX_CANDIDATES, or comes once connected, is left out."""
        taken = candidates[: self._candidates_left]
        self._candidates_left -= len(taken)
        for candidate in taken:
            await self._connection.add_remote_candidate(
                AioiceCandidate(
                    candidate.foundation,
                    1,
                    "udp",
                    candidate.priority,
                    candidate.address,
                    candidate.port,
                    candidate.kind,
                )
            )

    async def connect(
        self, credentials: IceCredentials, fingerprints: Sequence[Fingerprint], setup: Setup
    ) -> None:
        """Make the connection; media flows when this returns. Raises TransportError."""
        self._connection.remote_username = credentials.ufrag
        self._connection.remote_password = credentials.password
        remote = RTCDtlsParameters([RTCDtlsFingerprint(f.algorithm, f.value) for f in fingerprints])
        self._dtls._set_role("server" if setup == "passive" else "client")
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._connection.connect()
                self._candidates_left = 0
                await self._dtls.start(remote)
        except ConnectionError:
            raise TransportError("no path to the peer was found (ICE failed)") from None
        except TimeoutError:
            raise TransportError(f"no connection after {CONNECT_TIMEOUT_S:.0f} s") from None
        if self._dtls.state != "connected":
            raise TransportError("the encryption could not be agreed on (DTLS failed)")
        self._srtp_out = self._dtls._tx_srtp
        self._connection.on_media = self._media_handler(self._dtls._rx_srtp)

    def send_rtp(self, packet: bytes) -> None:
        """Send one RTP packet, or nothing while there is no path."""
        if self._srtp_out is not None:
            self._connection.send_media(self._srtp_out.protect(packet))

    def send_rtcp(self, packet: bytes) -> None:
        """Send one RTCP compound, or nothing while there is no path."""
        if self._srtp_out is not None:
            self._connection.send_media(self._srtp_out.protect_rtcp(packet))

    def read_waiting(self) -> None:
        """Handle what has come, without waiting for the next round."""
        self._connection.read_waiting()

    async def close(self) -> None:
        """End the connection, telling the peer; closing again does nothing."""
        self._connection.on_media = self._srtp_out = None
        await self._dtls.stop()
        await self._connection.close()
        self.closed.set()

    def _media_handler(self, srtp: pylibsrtp.Session) -> DatagramHandler:
        on_rtp, on_rtcp = self._on_rtp, self._on_rtcp

        def media_received(data: bytes) -> None:
            try:
                # RFC 5761 §4: RTCP packet types are apart from RTP's payload types.
                is_rtcp = 192 <= data[1] <= 223
                packet = srtp.unprotect_rtcp(data) if is_rtcp else srtp.unprotect(data)
            except (pylibsrtp.Error, ValueError, IndexError):
                self.srtp_errors += 1
                return
            if is_rtcp:
                on_rtcp(packet)
            else:
                on_rtp(packet)

        return media_received

    def _dtls_changed(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self.closed.set()


class _DatagramPath:
    """The part of RTCIceTransport that aiortc's DTLS calls."""

    def __init__(self, connection: Connection) -> None:
        self._recv = connection.recv
        self._send = connection.send


class IceConnection(Connection):
    """aioice's ICE agent, on the addresses and ports of the settings, with a way for media."""

    def __init__(self, settings: IceSettings) -> None:
        servers = [
            RTCIceServer(
                list(server.urls),
                server.username,
                server.credential.reveal() if server.credential else None,
            )
            for server in settings.servers
        ]
        super().__init__(ice_controlling=False, **connection_kwargs(servers))
        self._settings = settings
        self.on_media: DatagramHandler | None = None
        self.age_s = 0.0

    async def get_component_candidates(
        self, component: int, addresses: list[str], timeout: int = SERVER_TIMEOUT_S
    ) -> list[AioiceCandidate]:
        for rank, address in enumerate(self._settings.addresses()):
            if (sock := _bound_socket(address, self._settings.udp_ports)) is None:
                continue
            protocol = _IceProtocol(self)
            protocol.connection_made(UdpTransport(sock, protocol))
            protocol.local_candidate = AioiceCandidate(
                foundation=candidate_foundation("host", "udp", address),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host", 65534 - rank),
                host=address,
                port=sock.getsockname()[1],
                type="host",
            )
            self._protocols.append(protocol)
        hosts = [protocol.local_candidate for protocol in self._protocols]
        relayed, reflexive = await asyncio.gather(
            super().get_component_candidates(component, [], timeout),
            self._reflexive_candidates(timeout),
        )
        return hosts + reflexive + relayed

    async def _reflexive_candidates(self, timeout_s: float) -> list[AioiceCandidate]:
        """What the STUN server sees of our sockets; those that hear nothing are left out."""
        if self.stun_server is None:
            return []
        queries = [
            asyncio.create_task(server_reflexive_candidate(protocol, self.stun_server))
            for protocol in self._protocols
            if ":" not in protocol.local_candidate.host
            and not is_loopback(protocol.local_candidate.host)
        ]
        if not queries:
            return []
        done, pending = await asyncio.wait(queries, timeout=timeout_s)
        for query in pending:
            query.cancel()
        return [query.result()[0] for query in done if query.exception() is None]

    def answered_candidates(self) -> tuple[Candidate, ...]:
        """Our candidates as the peer shall see them, the public address first."""
        public_ip = self._settings.public_ip
        shown = []
        for candidate in self.local_candidates:
            same_family = public_ip is not None and (":" in public_ip) == (":" in candidate.host)
            if public_ip and same_family and candidate.type == "host":
                if is_loopback(candidate.host):
                    continue
                if candidate.host != public_ip:
                    shown.append(
                        Candidate(
                            candidate_foundation("host", "udp", public_ip),
                            candidate_priority(1, "host"),
                            public_ip,
                            candidate.port,
                            "host",
                        )
                    )
            shown.append(
                Candidate(
                    candidate.foundation,
                    candidate.priority,
                    candidate.host,
                    candidate.port,
                    candidate.type,
                )
            )
        return tuple(shown)

    def data_received(self, data: bytes, component: int) -> None:
        if self._queue.qsize() < MAX_HANDSHAKE_BACKLOG:
            super().data_received(data, component)

    def request_received(
        self, message: Message, addr: tuple[str, int], protocol: StunProtocol
    ) -> None:
        # FFmpeg's muxer leaves out what RFC 8445 §7.1.1 demands, and aioice relies on it.
        message.attributes.setdefault("PRIORITY", candidate_priority(1, "prflx"))
        super().request_received(message, addr, protocol)

    async def query_consent(self) -> None:
        """Ask the peer for its consent again and again (RFC 7675 §5.1); close without it."""
        loop = asyncio.get_running_loop()
        expires_s = loop.time() + CONSENT_S
        while (left_s := expires_s - loop.time()) > 0:
            await asyncio.sleep(min(left_s, CONSENT_INTERVAL_S * random.uniform(0.8, 1.2)))
            for pair in self._nominated.values():
                request = self.build_request(pair, nominate=False)
                key = (self.remote_password or "").encode()
                with suppress(TransactionError):
                    await pair.protocol.request(
                        request, pair.remote_addr, integrity_key=key, retransmissions=1
                    )
                    expires_s = loop.time() + CONSENT_S
        self._query_consent_task = None  # closing ends it
        await self.close()

    def read_waiting(self) -> None:
        """Deliver what has come, without waiting for the next round."""
        for protocol in self._protocols:
            if isinstance(protocol.transport, UdpTransport):
                protocol.transport.read_waiting()

    def send_media(self, data: bytes) -> None:
        """Send on the path agreed on, without a task; nothing while there is none."""
        pair = self._nominated.get(1)
        if pair is not None:
            pair.protocol.transport.sendto(data, pair.remote_addr)


class _IceProtocol(StunProtocol):
    """Tells STUN, DTLS and media apart by the first byte (RFC 7983 §7)."""

    receiver: IceConnection
    transport: UdpTransport

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        assert isinstance(data, bytes)
        first = data[0] if data else 255
        if 127 < first < 192:
            if self.receiver.on_media is not None:
                self.receiver.age_s = self.transport.age_s
                self.receiver.on_media(data)
        elif first < 4:
            with suppress(struct.error):  # aioice raises it for attributes that are cut short
                super().datagram_received(data, addr)
        elif 19 < first < 64:
            self.receiver.data_received(data, self.local_candidate.component)


def _bound_socket(address: str, ports: tuple[int, int] | None) -> socket.socket | None:
    """A UDP socket at `address` on a free port of the range; None if there is none."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    first, last = ports or (0, 0)
    choices = list(range(first, last + 1))
    random.shuffle(choices)
    for port in choices:
        try:
            sock.bind((address, port))
        except OSError:
            continue
        return sock
    sock.close()
    log.warning("ice_no_port address=%s ports=%s", address, ports)
    return None
