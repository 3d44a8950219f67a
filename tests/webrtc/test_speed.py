"""The path of a media packet from its bytes to the feed; timed with --benchmark-enable."""

import secrets
from collections.abc import Callable

import pylibsrtp

from mediaserver.packet import AccessUnit
from mediaserver.webrtc.receiver import Receiver
from mediaserver.webrtc.sdp import parse_offer
from tests.webrtc.packets import rtp
from tests.webrtc.test_sdp import CHROMIUM

PACKETS, PER_PICTURE = 1_000, 10


def test_path_of_a_thousand_packets(benchmark: Callable[..., None]) -> None:
    profile = pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM
    key = secrets.token_bytes(28)

    def session(direction: int) -> pylibsrtp.Session:
        policy = pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=profile)
        return pylibsrtp.Session(policy)

    sender = session(pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
    datagrams = []
    for index in range(PACKETS):
        picture, part = divmod(index, PER_PICTURE)
        start, end = part == 0, part == PER_PICTURE - 1
        header = bytes((0x7C, start << 7 | end << 6 | (5 if picture == 0 else 1), 0x88))
        packet = rtp(
            index,
            picture * 3000,
            header + secrets.token_bytes(1100),
            payload_type=102,
            marker=end,
            transport=(3, index),
        )
        datagrams.append(sender.protect(packet))
    units: list[AccessUnit] = []

    def receive() -> None:
        units.clear()
        srtp = session(pylibsrtp.Policy.SSRC_ANY_INBOUND)
        receiver = Receiver(parse_offer(CHROMIUM), sink=units.append, send=lambda data: None)
        for index, datagram in enumerate(datagrams):
            receiver.rtp_received(srtp.unprotect(datagram), index / 300)
            if index % 15 == 0:
                receiver.tick(index / 300)

    benchmark(receive)
    assert len(units) == PACKETS // PER_PICTURE
