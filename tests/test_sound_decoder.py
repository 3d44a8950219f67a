from dataclasses import replace

import numpy as np
import pytest

from mediaserver.audio_buffer import Samples
from mediaserver.packet import AccessUnit
from mediaserver.sound_decoder import BACKLOG_UNITS, SoundDecoder
from tests.media import opus_units, tone


class Ear:
    def __init__(self) -> None:
        self.heard: list[tuple[int, Samples, float]] = []
        self.trouble: list[AccessUnit] = []
        self.decoder = SoundDecoder(
            "test",
            on_sound=lambda position, samples, at_s: self.heard.append((position, samples, at_s)),
            on_trouble=self.trouble.append,
        )


@pytest.fixture
def ear() -> Ear:
    return Ear()


def test_units_are_decoded_when_somebody_listens_with_the_time_they_came(ear: Ear) -> None:
    units = [replace(unit, arrived_s=unit.timestamp / 48_000 + 7) for unit in opus_units(tone(0.1))]
    for unit in units:
        ear.decoder.put(unit)
    assert ear.heard == []

    ear.decoder.decode()

    assert [position for position, _, _ in ear.heard] == [unit.timestamp for unit in units]
    assert [at_s for _, _, at_s in ear.heard] == [unit.arrived_s for unit in units]
    assert np.abs(np.concatenate([s for _, s, _ in ear.heard], axis=1)).max() > 0.4


def test_units_that_nobody_hears_make_room_for_newer_ones(ear: Ear) -> None:
    [unit] = opus_units(tone(0.02))
    for number in range(BACKLOG_UNITS + 10):
        ear.decoder.put(replace(unit, timestamp=960 * number))

    ear.decoder.decode()

    positions = [position for position, _, _ in ear.heard]
    assert (positions[0], len(positions)) == (960 * 10, BACKLOG_UNITS)


def test_a_unit_that_cannot_be_decoded_is_told_and_the_next_is_heard(ear: Ear) -> None:
    first, bad, third = opus_units(tone(0.06))
    bad = replace(bad, payload=b"\xff\xff\xff")
    for unit in (first, bad, third):
        ear.decoder.put(unit)

    ear.decoder.decode()

    assert ear.trouble == [bad]
    assert [position for position, _, _ in ear.heard] == [first.timestamp, third.timestamp]


def test_what_was_abandoned_is_not_heard(ear: Ear) -> None:
    for unit in opus_units(tone(0.06)):
        ear.decoder.put(unit)

    ear.decoder.abandon()
    ear.decoder.decode()

    assert ear.heard == []
