"""Encoded loops: decodable from their beginning, without a seam."""

import av
import numpy as np
import pytest

from mediaserver import flv
from mediaserver.demo.clip import OPUS_FRAME, SAMPLE_RATE, encoded_pictures, encoded_sound, tone
from tests.media import moving_frames


def test_every_picture_is_a_unit_and_keyframes_come_on_time() -> None:
    units = encoded_pictures(moving_frames(25, 64, 64), 30, 300_000, gop=10)
    types = [[unit[0] & 0x1F for unit in flv.nal_units(each)] for each in units]
    assert [number for number, nals in enumerate(types) if 5 in nals] == [0, 10, 20]
    assert all({7, 8} <= set(nals) for nals in types if 5 in nals)


def test_pictures_are_constrained_baseline() -> None:
    (first, *_) = encoded_pictures(moving_frames(1, 64, 64), 30, 300_000, gop=10)
    (sps,) = (unit for unit in flv.nal_units(first) if unit[0] & 0x1F == 7)
    assert sps[1] == 66
    assert sps[2] & 0x40  # constraint_set1_flag


def test_sound_is_one_opus_packet_for_each_20_ms() -> None:
    assert len(encoded_sound(tone(440, 0.2))) == 10


def test_sound_of_no_whole_number_of_packets_is_refused() -> None:
    with pytest.raises(ValueError, match="961 samples are no whole number of 960"):
        encoded_sound(np.zeros(OPUS_FRAME + 1, np.int16))


def test_loop_of_sound_has_no_click_at_its_seam() -> None:
    packets = encoded_sound(tone(500, 0.2)) * 2
    decoder = av.CodecContext.create("opus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate = SAMPLE_RATE
    decoder.layout = "stereo"
    decoded = [
        frame.to_ndarray()[0] for packet in packets for frame in decoder.decode(av.Packet(packet))
    ]
    samples = np.concatenate(decoded)
    seam = samples[9 * OPUS_FRAME : 11 * OPUS_FRAME]
    spectrum = np.abs(np.fft.rfft(seam * np.hanning(len(seam))))
    peak = round(500 * len(seam) / SAMPLE_RATE)
    others = np.delete(spectrum, range(peak - 3, peak + 4))
    assert spectrum.argmax() == peak
    assert spectrum[peak] > 100 * others.max()
