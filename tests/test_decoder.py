"""Sound of studio encoders, decoded: no gap between frames, and mono as loud as stereo."""

from fractions import Fraction

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext

from mediaserver.decoder import AudioDecoder
from mediaserver.packet import AccessUnit
from mediaserver.rtmp.units import AacConfig
from tests.media import tone


def aac_units(rate: int, channels: int) -> list[AccessUnit]:
    """A second of 440 Hz at half scale, its timestamps in whole milliseconds as in RTMP."""
    layout = "stereo" if channels == 2 else "mono"
    encoder = av.CodecContext.create("aac", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = rate, layout, "fltp"
    encoder.time_base = Fraction(1, rate)
    sound = tone(1, 440 * 48_000 / rate)[:channels]
    units: list[AccessUnit] = []
    for index in range(rate // 1024):
        part = np.ascontiguousarray(sound[:, index * 1024 : (index + 1) * 1024])
        frame = av.AudioFrame.from_ndarray(part, "fltp", layout)
        frame.sample_rate, frame.pts = rate, index * 1024
        for packet in encoder.encode(frame):
            config = AacConfig.parse(bytes(encoder.extradata or b""))
            time_ms = len(units) * 1024 * 1000 // rate
            payload = config.adts(bytes(packet))
            units.append(AccessUnit("aac", time_ms, 1000, payload, True, 0.0))
    return units


@pytest.mark.parametrize("rate", [48_000, 44_100, 32_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_of_aac_is_stereo_without_a_gap_and_as_loud_as_it_was(
    rate: int, channels: int
) -> None:
    decoder = AudioDecoder()
    blocks = [block for unit in aac_units(rate, channels) for block in decoder.decode(unit)]

    ends = [position + samples.shape[1] for position, samples in blocks]
    assert [position for position, _ in blocks[1:]] == ends[:-1]
    heard = np.concatenate([samples for _, samples in blocks], axis=1)[:, 4096:]
    assert heard.shape[0] == 2
    assert np.allclose(heard[0], heard[1], atol=0.01)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
