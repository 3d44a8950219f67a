"""The two encoders of a program: raw frames in, packets ready for FLV and RTMP out."""

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from mediaserver import flv
from mediaserver.audio_buffer import CHANNELS, SAMPLE_RATE, Samples
from mediaserver.packet import TICKS_PER_S, EncodedPacket

AAC_FRAME_SAMPLES = 1024
NAL_SPS, NAL_PPS = 7, 8  # ITU-T H.264 table 7-1
AUDIO_BITRATE_BPS = 128_000


DEFAULT_PRESET = "superfast"
"""docs/adr/0008."""
_TUNING = {
    DEFAULT_PRESET: {
        "aq-mode": "2",
        "aq-strength": "0.5",
        "partitions": "i8x8",
        "x264-params": "dct-decimate=0",
    }
}
"""What is less work and nearer to the original than the preset alone; docs/adr/0008. The others
are as x264 has them."""


@dataclass(frozen=True, slots=True)
class VideoEncoding:
    """What a canvas asks of x264. Rate control is close to CBR: a buffer of one second."""

    width: int
    height: int
    fps: Fraction
    bitrate_bps: int
    preset: str = DEFAULT_PRESET
    keyframe_interval_s: float = 2.0


class VideoEncoder:
    """x264 with a closed GOP of fixed length and no frame held back, on one thread.

    The length is in time: ticks that are left out do not put the next keyframe off.
    """

    def __init__(self, encoding: VideoEncoding) -> None:
        gop = max(1, round(encoding.keyframe_interval_s * encoding.fps))
        context = av.CodecContext.create("libx264", "w")
        assert isinstance(context, VideoCodecContext)
        context.width = encoding.width
        context.height = encoding.height
        context.pix_fmt = "yuv420p"
        context.framerate = encoding.fps
        context.time_base = 1 / encoding.fps
        context.bit_rate = encoding.bitrate_bps
        context.gop_size = gop
        context.thread_count = 1
        context.flags |= Flags.global_header
        context.colorspace = av.video.reformatter.Colorspace.ITU709
        context.color_range = av.video.reformatter.ColorRange.MPEG
        context.color_primaries = av.video.reformatter.ColorPrimaries.BT709
        context.color_trc = av.video.reformatter.ColorTrc.BT709
        context.options = {
            "preset": encoding.preset,
            "tune": "zerolatency",
            "maxrate": str(encoding.bitrate_bps),
            "bufsize": str(encoding.bitrate_bps),
            "keyint_min": str(gop),
            "sc_threshold": "0",
            "forced-idr": "1",
            **_TUNING.get(encoding.preset, {}),
        }
        context.open()
        self._context = context
        self._gop = gop
        self._keyframe_tick: int | None = None
        self._ticks_per_frame = Fraction(TICKS_PER_S) / encoding.fps
        extradata = context.extradata
        assert extradata is not None, "x264 gives its headers at once with global_header"
        units = {unit[0] & 0x1F: unit for unit in flv.nal_units(extradata)}
        header = flv.avc_header(sps=units[NAL_SPS], pps=units[NAL_PPS])
        self.header = EncodedPacket("video", 0, 0, header, is_keyframe=True, is_header=True)

    def encode(self, frame: av.VideoFrame, tick: int) -> list[EncodedPacket]:
        """Encode `frame` as the picture of `tick`. The frame's buffer is free afterwards."""
        frame.pts = tick
        frame.pict_type = PictureType.NONE
        if self._keyframe_tick is None or tick - self._keyframe_tick >= self._gop:
            self._keyframe_tick = tick
            frame.pict_type = PictureType.I
        return [self._packet(packet) for packet in self._context.encode(frame)]

    def _packet(self, packet: "av.Packet[av.VideoStream]") -> EncodedPacket:
        assert packet.pts is not None
        assert packet.dts is not None
        dts = int(packet.dts * self._ticks_per_frame)
        cts = int(packet.pts * self._ticks_per_frame) - dts
        body = flv.avc_body(
            flv.annexb_to_avcc(bytes(packet)), packet.is_keyframe, cts * 1000 // TICKS_PER_S
        )
        return EncodedPacket("video", dts, cts, body, packet.is_keyframe)


class AudioEncoder:
    """AAC-LC at 48 kHz, stereo, 1024 samples a frame."""

    def __init__(self) -> None:
        context = av.CodecContext.create("aac", "w")
        assert isinstance(context, AudioCodecContext)
        context.sample_rate = SAMPLE_RATE
        context.layout = "stereo"
        context.format = "fltp"
        context.bit_rate = AUDIO_BITRATE_BPS
        context.time_base = Fraction(1, SAMPLE_RATE)
        context.flags |= Flags.global_header
        # At this bit rate FFmpeg's documentation calls it the better one, and it is three times
        # as fast as the default.
        context.options = {"aac_coder": "fast"}
        context.open()
        self._context = context
        self.header = EncodedPacket(
            "audio", 0, 0, flv.aac_header(SAMPLE_RATE, CHANNELS), is_header=True
        )

    def encode(self, samples: Samples, index: int) -> list[EncodedPacket]:
        """Encode block `index`: (2, 1024) float32. The encoder's priming is not given out."""
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", "stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = index * AAC_FRAME_SAMPLES
        packets = []
        for packet in self._context.encode(frame):
            assert packet.pts is not None
            if packet.pts >= 0:
                dts = packet.pts * TICKS_PER_S // SAMPLE_RATE
                packets.append(EncodedPacket("audio", dts, 0, flv.aac_body(bytes(packet))))
        return packets
