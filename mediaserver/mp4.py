"""Fragmented MP4: a file that can be played up to its last fragment, however its writer ended."""

import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av

from mediaserver import flv
from mediaserver.audio_buffer import SAMPLE_RATE
from mediaserver.packet import TICKS_PER_S, EncodedPacket, Kind

FRAGMENT_S = 0.5
"""What a file may lack of its end after a crash."""

_TAGS = {"video": flv.TagType.VIDEO, "audio": flv.TagType.AUDIO}
_BODY_AT = {"video": 5, "audio": 2}
"""Where the access unit begins in the body of an FLV tag."""


class Mp4Writer:
    """One file of one canvas's packets; to be used by one thread. Its time begins at zero with
    `first`, which holds at least one packet of each kind and begins with a keyframe.

    Raises OSError and av.FFmpegError when the file cannot be written.
    """

    def __init__(
        self, path: Path, headers: Mapping[Kind, EncodedPacket], first: Sequence[EncodedPacket]
    ) -> None:
        self._begin_dts = first[0].dts
        self._file = av.open(
            str(path),
            "w",
            format="mp4",
            options={
                "movflags": "empty_moov+default_base_moof",
                "frag_duration": str(round(FRAGMENT_S * 1_000_000)),
                "flush_packets": "1",
            },
        )
        with av.open(io.BytesIO(_sample(headers, first)), format="flv") as sample:
            self._streams: Mapping[Kind, av.stream.Stream] = {
                "video": self._file.add_stream_from_template(sample.streams.video[0]),
                "audio": self._file.add_stream_from_template(sample.streams.audio[0]),
            }
        self._streams["video"].time_base = Fraction(1, TICKS_PER_S)
        self._streams["audio"].time_base = Fraction(1, SAMPLE_RATE)
        for packet in first:
            self.write(packet)

    def write(self, packet: EncodedPacket) -> None:
        """Add a packet that is no header, in the order of `dts` within its kind."""
        unit = av.Packet(packet.payload[_BODY_AT[packet.kind] :])
        unit.time_base = Fraction(1, TICKS_PER_S)
        unit.dts = packet.dts - self._begin_dts
        unit.pts = unit.dts + packet.cts
        unit.is_keyframe = packet.is_keyframe or packet.kind == "audio"
        unit.stream = self._streams[packet.kind]
        self._file.mux(unit)

    def close(self) -> None:
        self._file.close()


def _sample(headers: Mapping[Kind, EncodedPacket], first: Sequence[EncodedPacket]) -> bytes:
    """An FLV of one packet of each kind, from which the streams' parameters are read."""
    packets = [*headers.values()]
    packets += [next(packet for packet in first if packet.kind == kind) for kind in _TAGS]
    return flv.file_header() + b"".join(
        flv.tag(_TAGS[packet.kind], 0, packet.payload) for packet in packets
    )
