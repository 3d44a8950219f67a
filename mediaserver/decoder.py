"""Decoding of one feed's access units: compressed in, pictures and sound out."""

from collections.abc import Iterator

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

from mediaserver.audio_buffer import SAMPLE_RATE, Samples
from mediaserver.packet import AccessUnit, Codec

BT709, UNTAGGED, BT601 = 1, 2, 6
"""Matrix coefficients (ITU-T H.273, table 4). What comes untagged is of the matrix that its source
is known for (docs/adr/0007)."""


class VideoDecoder:
    """H.264 or VP8 to frames, without delay; follows a sender that changes its codec.

    Every frame says what its matrix is; of those that came without, it is `untagged_matrix`.
    """

    def __init__(self, untagged_matrix: int) -> None:
        self._untagged_matrix = untagged_matrix
        self._codec: Codec | None = None
        self._context: VideoCodecContext | None = None

    def decode(self, unit: AccessUnit) -> list[av.VideoFrame]:
        """The pictures of `unit`. Raises av.FFmpegError where it cannot be decoded."""
        if self._context is None or unit.codec != self._codec:
            context = av.CodecContext.create(unit.codec, "r")
            assert isinstance(context, VideoCodecContext)
            context.thread_count = 1
            context.flags |= Flags.low_delay
            self._context, self._codec = context, unit.codec
        frames = self._context.decode(av.Packet(unit.payload))
        for frame in frames:
            if frame.colorspace == UNTAGGED:
                frame.colorspace = self._untagged_matrix
        return frames


AS_MIXED = ("fltp", "stereo", SAMPLE_RATE)
"""What FFmpeg's Opus decoder gives of a stereo stream."""
ROUNDING_S = 0.005
"""Timestamps may be off by this, as those in milliseconds are: the samples follow each other."""


class AudioDecoder:
    """Opus or AAC to stereo float samples at 48 kHz, with their position on the sender's clock."""

    def __init__(self) -> None:
        self._codec: Codec | None = None
        self._context: AudioCodecContext | None = None
        self._resampler = av.AudioResampler(*AS_MIXED)
        self._next = 0

    def decode(self, unit: AccessUnit) -> Iterator[tuple[int, Samples]]:
        """(position, (2, n) samples) of `unit`. Raises av.FFmpegError if it cannot be decoded."""
        if self._context is None or unit.codec != self._codec:
            context = av.CodecContext.create(unit.codec, "r")
            assert isinstance(context, AudioCodecContext)
            self._context, self._codec = context, unit.codec
        position = unit.timestamp * SAMPLE_RATE // unit.clock_rate
        if abs(position - self._next) <= ROUNDING_S * SAMPLE_RATE:
            position = self._next
        for frame in self._context.decode(av.Packet(unit.payload)):
            for samples in self._resampled(frame):
                yield position, samples
                position += samples.shape[1]
                self._next = position

    def _resampled(self, frame: av.AudioFrame) -> list[Samples]:
        if (frame.format.name, frame.layout.name, frame.sample_rate) == AS_MIXED:
            return [_samples(frame)]
        stereo = _doubled(frame) if frame.layout.nb_channels == 1 else frame
        stereo.pts = None
        return [_samples(resampled) for resampled in self._resampler.resample(stereo)]


def _samples(frame: av.AudioFrame) -> Samples:
    return frame.to_ndarray().astype(np.float32, copy=False)


def _doubled(mono: av.AudioFrame) -> av.AudioFrame:
    """`mono` (float) on both sides, as loud as it is: swresample would take 3 dB off."""
    samples: Samples = np.repeat(mono.to_ndarray(), 2, axis=0).astype(np.float32, copy=False)
    stereo = av.AudioFrame.from_ndarray(samples, "fltp", "stereo")
    stereo.sample_rate = mono.sample_rate
    return stereo
