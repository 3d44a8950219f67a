import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.webrtc.capture_clock import NTP_UNITS_PER_S, REPEATS, SMOOTHING, CaptureClock

NTP_S = 3_900_000_000.0
"""About the year 2023."""
SIZE = 1 << 32


def ntp(seconds: float) -> int:
    return round((NTP_S + seconds) * NTP_UNITS_PER_S)


class Phone:
    """Two tracks whose timestamps begin anywhere, and their reports."""

    def __init__(self, video_origin: int = 0, audio_origin: int = 0) -> None:
        self.clock = CaptureClock()
        self.clock.begin("video", 90_000)
        self.clock.begin("audio", 48_000)
        self._video, self._audio = video_origin, audio_origin

    def video(self, at_s: float) -> float | None:
        captured_s = self.clock.captured_s("video", self._video + round(at_s * 90_000))
        return None if captured_s is None else captured_s - NTP_S

    def audio(self, at_s: float) -> float | None:
        captured_s = self.clock.captured_s("audio", self._audio + round(at_s * 48_000))
        return None if captured_s is None else captured_s - NTP_S

    def report_video(self, at_s: float, error_s: float = 0.0) -> None:
        timestamp = (self._video + round(at_s * 90_000)) % SIZE
        self.clock.report("video", ntp(at_s + error_s), timestamp)

    def report_audio(self, at_s: float, error_s: float = 0.0) -> None:
        timestamp = (self._audio + round(at_s * 48_000)) % SIZE
        self.clock.report("audio", ntp(at_s + error_s), timestamp)


def test_time_of_capture_is_not_known_before_the_first_report() -> None:
    phone = Phone()

    assert phone.video(0.0) is None
    phone.report_video(0.5)
    assert phone.video(1.0) == pytest.approx(1.0, abs=1e-4)
    assert phone.audio(1.0) is None


def test_report_may_come_before_the_first_packet() -> None:
    phone = Phone(video_origin=SIZE - 10)
    phone.report_video(0.5)

    assert phone.video(1.0) == pytest.approx(1.0, abs=1e-4)


@given(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
def test_tracks_share_a_clock_wherever_their_timestamps_begin_and_wrap(
    video_origin: int, audio_origin: int
) -> None:
    phone = Phone(video_origin, audio_origin)
    phone.video(0.0), phone.audio(0.0)
    hours = [0.1, 4 * 3600.0, 8 * 3600.0, 20 * 3600.0, 30 * 3600.0]  # 2**32 at 90 kHz is 13.3 h
    for at_s in hours:
        phone.report_video(at_s)
        phone.report_audio(at_s)

        assert phone.video(at_s) == pytest.approx(at_s, abs=1e-4)
        assert phone.audio(at_s) == pytest.approx(at_s, abs=1e-4)


def test_reports_that_are_a_little_off_move_it_a_little() -> None:
    phone = Phone()
    phone.video(0.0)
    phone.report_video(1.0)

    phone.report_video(2.0, 0.02)

    assert phone.video(2.0) == pytest.approx(2.0 + SMOOTHING * 0.02, abs=1e-4)


def test_clock_that_is_set_never_parts_sound_and_picture() -> None:
    phone = Phone()
    phone.video(0.0), phone.audio(0.0)
    phone.report_video(1.0)
    phone.report_audio(1.0)

    for second in range(2, 5):  # the sound's next report takes longer than the pictures'
        if second < 4:
            phone.report_video(second, -7.5)
        assert phone.video(second) == pytest.approx(second, abs=1e-4)
        assert phone.audio(second) == pytest.approx(second, abs=1e-4)
    phone.report_audio(5.0, -7.5)

    assert phone.video(6.0) == pytest.approx(6.0 - 7.5, abs=1e-4)
    assert phone.audio(6.0) == pytest.approx(6.0 - 7.5, abs=1e-4)


def test_one_wrong_report_is_not_believed_and_one_said_again_and_again_is() -> None:
    phone = Phone()
    phone.video(0.0), phone.audio(0.0)
    phone.report_video(1.0)
    phone.report_audio(1.0)

    phone.report_video(2.0, 100.0)
    phone.report_video(3.0)
    assert phone.video(3.0) == pytest.approx(3.0, abs=1e-4)

    for second in range(4, 4 + REPEATS):
        assert phone.video(second) == pytest.approx(second, abs=1e-4)
        phone.report_video(second, 0.7)
    assert phone.video(10.0) == pytest.approx(10.7, abs=1e-4)


def test_sender_without_a_clock_of_the_day_tells_nothing() -> None:
    phone = Phone()
    phone.video(0.0)
    phone.clock.report("video", 0, 0)

    assert phone.video(1.0) is None


def test_new_stream_of_a_track_is_not_known_before_its_own_report() -> None:
    phone = Phone()
    phone.video(0.0), phone.audio(0.0)
    phone.report_video(1.0)
    phone.report_audio(1.0)

    phone.clock.begin("video", 90_000)

    assert phone.video(2.0) is None
    assert phone.audio(2.0) == pytest.approx(2.0, abs=1e-4)


@given(
    st.lists(
        st.one_of(
            st.tuples(
                st.sampled_from(["video", "audio"]),
                st.integers(0, (1 << 64) - 1),
                st.integers(0, SIZE - 1),
            ),
            st.integers(-(1 << 40), 1 << 40),
        ),
        max_size=50,
    )
)
def test_any_reports_at_all_do_no_harm(steps: list[tuple[str, int, int] | int]) -> None:
    clock = CaptureClock()
    clock.begin("video", 90_000)
    clock.report("audio", 1, 1)
    clock.begin("audio", 48_000)
    for step in steps:
        if isinstance(step, int):
            captured_s = clock.captured_s("video", step), clock.captured_s("audio", step)
            assert all(time is None or abs(time) < 1e11 for time in captured_s)
        else:
            clock.report("video" if step[0] == "video" else "audio", step[1], step[2])
