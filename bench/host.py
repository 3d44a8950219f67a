"""A host over WebRTC whose packets are cut when its clip is read.

ICE, DTLS and the offer are aiortc's. Of a packet that is due nothing is left to do but its header,
SRTP and the system call: many hosts fit beside the server that they are to measure.
"""

import asyncio
import random
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, cast

from aiortc import RTCRtpParameters, RTCRtpTransceiver
from aiortc.clock import current_ntp_time
from aiortc.rtp import (
    RTCP_RTPFB_NACK,
    HeaderExtensions,
    HeaderExtensionsMap,
    RtcpRtpfbPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)

from mediaserver import flv
from mediaserver.demo.publisher import PacketTrack, Publisher
from mediaserver.webrtc.packetizer import h264_payloads

MAX_PAYLOAD = 1300
"""As aiortc cuts pictures."""
HISTORY = 512
"""Packets that can be repeated."""

_HEADER = Struct("!BBHII")
_EXTENSION = Struct("!HH")


@lru_cache(maxsize=4096)
def payloads(picture: bytes) -> list[bytes]:
    """Of one picture in Annex B."""
    return h264_payloads(flv.nal_units(picture), MAX_PAYLOAD)


class Host(Publisher):
    """Publishes the tracks of one host, which are read by nobody else."""

    async def _post(self, offer: str) -> str:
        for transceiver in self._connection.getTransceivers():
            _Stream(transceiver)
        return await super()._post(offer)


class _Stream:
    """Sends the packets of a track in the place of aiortc's sender.

    What is leant on (aiortc 1.16): RTCRtpTransceiver._headerExtensions; RTCRtpSender._run_rtp,
    _run_rtcp, _handle_rtcp_packet, _ssrc and its events; RTCDtlsTransport._tx_srtp, _send_rtp;
    RTCIceTransport._connection and the pair that aioice nominated.
    """

    def __init__(self, transceiver: RTCRtpTransceiver) -> None:
        self._transceiver = transceiver
        self._sender = cast(Any, transceiver.sender)
        track = self._sender.track
        assert isinstance(track, PacketTrack)
        self._track = track
        self._cname = self._sender._ssrc.to_bytes(4).hex().encode()
        self._sequence = random.randrange(1 << 15)
        self._origin = random.randrange(1 << 32)
        self._octets = self._packets = 0
        self._history: dict[int, bytes] = {}
        self._sender._run_rtp = self._run_rtp
        self._sender._run_rtcp = self._run_rtcp
        self._sender._handle_rtcp_packet = self._handle_rtcp_packet

    async def _run_rtp(self, codec: Any) -> None:
        self._event("rtp_started").set()
        self._payload_type = codec.payloadType
        self._clock_rate = codec.clockRate
        self._extension = self._header_extension()
        dtls = self._sender.transport
        pair = dtls.transport._connection._nominated[1]
        socket, address, protect = pair.protocol.transport, pair.remote_addr, dtls._tx_srtp.protect

        def send(packet: bytes) -> None:
            socket.sendto(protect(packet), address)

        self._transmit = send
        try:
            await self._send_all()
        finally:
            self._event("rtp_exited").set()

    async def _send_all(self) -> None:
        track, is_video = self._track, self._track.kind == "video"
        ticks_each = track.interval * self._clock_rate
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        self._began = current_ntp_time()
        number = 0
        while True:
            await asyncio.sleep(begin_s + float(number * track.interval) - loop.time())
            payload = await track.payload(number)
            self._send_unit(payloads(payload) if is_video else [payload], int(number * ticks_each))
            number += 1

    def _send_unit(self, cut: Sequence[bytes], ticks: int) -> None:
        timestamp = (self._origin + ticks) & 0xFFFFFFFF
        last = len(cut) - 1
        for place, payload in enumerate(cut):
            sequence = self._sequence = (self._sequence + 1) & 0xFFFF
            second = (place == last) << 7 | self._payload_type
            header = _HEADER.pack(0x90, second, sequence, timestamp, self._sender._ssrc)
            packet = header + self._extension + payload
            self._history[sequence % HISTORY] = packet
            self._transmit(packet)
            self._octets += len(payload)
        self._packets += len(cut)

    async def _run_rtcp(self) -> None:
        self._event("rtcp_started").set()
        try:
            while True:
                await asyncio.sleep(0.5 + random.random())
                if self._packets:
                    await self._sender.transport._send_rtp(self._report())
        finally:
            self._event("rtcp_exited").set()

    async def _handle_rtcp_packet(self, packet: object) -> None:
        if isinstance(packet, RtcpRtpfbPacket) and packet.fmt == RTCP_RTPFB_NACK:
            for lost in packet.lost:
                kept = self._history.get(lost % HISTORY)
                if kept is not None and _HEADER.unpack_from(kept)[2] == lost % (1 << 16):
                    self._transmit(kept)

    def _report(self) -> bytes:
        """SR and SDES of this moment."""
        ntp = current_ntp_time()
        ticks = round((ntp - self._began) * self._clock_rate / (1 << 32))
        timestamp = (self._origin + ticks) & 0xFFFFFFFF
        info = RtcpSenderInfo(ntp, timestamp, self._packets, self._octets & 0xFFFFFFFF)
        source = RtcpSourceInfo(self._sender._ssrc, [(1, self._cname)])
        return bytes(RtcpSrPacket(self._sender._ssrc, info)) + bytes(RtcpSdesPacket([source]))

    def _header_extension(self) -> bytes:
        """With the m-section's identifier, as aiortc and browsers send it."""
        extensions = HeaderExtensionsMap()
        extensions.configure(RTCRtpParameters(headerExtensions=self._transceiver._headerExtensions))
        profile, value = extensions.set(HeaderExtensions(mid=self._transceiver.mid))
        return _EXTENSION.pack(profile, len(value) // 4) + value

    def _event(self, name: str) -> asyncio.Event:
        event: asyncio.Event = getattr(self._sender, f"_RTCRtpSender__{name}")
        return event
