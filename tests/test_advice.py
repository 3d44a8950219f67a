"""What each platform is told of, one by one, and that the documentation says the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from mediaserver.advice import (
    PLATFORMS,
    Advice,
    Platform,
    Stream,
    VideoRates,
    advice,
    over_cap,
    requires_tls,
)

DOCUMENTATION = (Path(__file__).parents[1] / "docs" / "targets.md").read_text()
WIDE = Stream(
    width=1280,
    height=720,
    fps=30,
    video_bitrate_bps=3_000_000,
    audio_bitrate_bps=128_000,
    keyframe_interval_s=2,
)
UPRIGHT = replace(WIDE, width=720, height=1280, video_bitrate_bps=2_500_000)
FULL_HD = replace(WIDE, width=1920, height=1080, video_bitrate_bps=4_000_000)
SECURE = "rtmps://live.example/app"


@pytest.mark.parametrize("platform", ["youtube", "facebook", "twitch", "custom"])
def test_the_canvas_of_a_new_show_suits_wide_platforms(platform: str) -> None:
    assert advice(platform, SECURE, WIDE) == []


@pytest.mark.parametrize("platform", ["tiktok", "instagram"])
def test_an_upright_canvas_of_2500_kbits_suits_upright_platforms(platform: str) -> None:
    assert advice(platform, SECURE, UPRIGHT) == []


@pytest.mark.parametrize(
    ("platform", "stream", "expected"),
    [
        (
            "tiktok",
            WIDE,
            [
                ("orientation", "TikTok shows upright pictures, 9:16; this canvas is 1280×720"),
                (
                    "video_bitrate",
                    "TikTok asks for at most 2,500 kbit/s of video; it gets 3,000 kbit/s",
                ),
            ],
        ),
        (
            "tiktok",
            replace(UPRIGHT, width=1440, height=2560),
            [("size", "TikTok takes up to 1080 lines; this canvas has 1440")],
        ),
        (
            "youtube",
            replace(WIDE, video_bitrate_bps=2_000_000),
            [
                (
                    "video_bitrate",
                    "YouTube asks for at least 3,000 kbit/s of video; it gets 2,000 kbit/s",
                )
            ],
        ),
        (
            "youtube",
            replace(FULL_HD, fps=60, video_bitrate_bps=3_500_000),
            [
                (
                    "video_bitrate",
                    "YouTube asks for at least 4,000 kbit/s of video; it gets 3,500 kbit/s",
                )
            ],
        ),
        (
            "youtube",
            replace(WIDE, audio_bitrate_bps=192_000, keyframe_interval_s=5),
            [
                (
                    "audio_bitrate",
                    "YouTube asks for at most 160 kbit/s of sound; it gets 192 kbit/s",
                ),
                (
                    "keyframe_interval",
                    "YouTube asks for a keyframe every 4 s at least; this server makes one every "
                    "5 s (SHOPCAST_KEYFRAME_INTERVAL_S)",
                ),
            ],
        ),
        (
            "facebook",
            replace(FULL_HD, fps=60, audio_bitrate_bps=96_000),
            [
                ("frame_rate", "Facebook takes up to 30 frames a second; this canvas has 60"),
                (
                    "audio_bitrate",
                    "Facebook asks for at least 128 kbit/s of sound; it gets 96 kbit/s",
                ),
            ],
        ),
        (
            "facebook",
            replace(WIDE, video_bitrate_bps=5_000_000, keyframe_interval_s=4.5),
            [
                (
                    "video_bitrate",
                    "Facebook asks for at most 4,000 kbit/s of video; it gets 5,000 kbit/s",
                ),
                (
                    "keyframe_interval",
                    "Facebook asks for a keyframe every 4 s at least; this server makes one every "
                    "4.5 s (SHOPCAST_KEYFRAME_INTERVAL_S)",
                ),
            ],
        ),
        (
            "instagram",
            replace(FULL_HD, width=1080, height=1920, fps=59.94, video_bitrate_bps=6_500_000),
            [
                ("size", "Instagram takes up to 720 lines; this canvas has 1080"),
                ("frame_rate", "Instagram takes up to 30 frames a second; this canvas has 59.94"),
                (
                    "video_bitrate",
                    "Instagram asks for at most 6,000 kbit/s of video; it gets 6,500 kbit/s",
                ),
            ],
        ),
        (
            "twitch",
            replace(FULL_HD, video_bitrate_bps=8_000_000, keyframe_interval_s=4),
            [
                (
                    "video_bitrate",
                    "Twitch asks for at most 6,000 kbit/s of video; it gets 8,000 kbit/s",
                ),
                (
                    "keyframe_interval",
                    "Twitch asks for a keyframe every 2 s at least; this server makes one every "
                    "4 s (SHOPCAST_KEYFRAME_INTERVAL_S)",
                ),
            ],
        ),
        ("custom", replace(FULL_HD, video_bitrate_bps=50_000_000, keyframe_interval_s=10), []),
    ],
)
def test_each_platform_is_told_of_what_it_does_not_get(
    platform: str, stream: Stream, expected: list[tuple[str, str]]
) -> None:
    found = [(each.code, each.detail) for each in advice(platform, SECURE, stream)]

    assert found == expected


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_bit_rate_is_taken_up_to_its_bounds_and_not_beyond(platform: str) -> None:
    for rates in PLATFORMS[platform].video:
        stream = Stream(rates.lines, rates.lines * 16 // 9, rates.fps, 0, 128_000, 2)
        expected = {
            rates.least_bps: 0,
            rates.most_bps: 0,
            rates.most_bps + 1: 1,
            rates.least_bps - 1: 1,
        }
        for bps, warnings in expected.items():
            found = advice(platform, SECURE, replace(stream, video_bitrate_bps=bps))
            assert len([each for each in found if each.code == "video_bitrate"]) == warnings


@pytest.mark.parametrize(
    ("platform", "codes"),
    [("youtube", ["unencrypted"]), ("instagram", ["unencrypted"]), ("twitch", []), ("tiktok", [])],
)
def test_a_key_that_travels_for_all_to_read_is_told_where_it_need_not(
    platform: str, codes: list[str]
) -> None:
    stream = UPRIGHT if PLATFORMS[platform].upright else WIDE

    assert [each.code for each in advice(platform, "rtmp://live.example/app", stream)] == codes
    assert advice(platform, None, stream) == []


def test_facebook_alone_requires_rtmps() -> None:
    assert [name for name in (*PLATFORMS, "custom") if requires_tls(name)] == ["facebook"]


def test_a_cap_is_met_or_said_in_words() -> None:
    assert over_cap(None, 3_000_000) is None
    assert over_cap(3_000_000, 3_000_000) is None
    assert over_cap(2_500_000, 3_000_000) == (
        "it is to get 2,500 kbit/s of video at most, and its canvas has 3,000 kbit/s: lower the "
        "canvas's video_bitrate, send another canvas, or raise max_video_bitrate"
    )


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
def test_the_documentation_has_each_row_of_the_table(platform: Platform) -> None:
    assert row(platform) in DOCUMENTATION.splitlines()


@pytest.mark.parametrize("code", Advice.__annotations__["code"].__args__)
def test_the_documentation_names_each_code(code: str) -> None:
    assert f"`{code}`" in DOCUMENTATION


def row(platform: Platform) -> str:
    keyframes_s = platform.longest_keyframe_interval_s
    cells = [
        platform.name,
        "yes" if platform.upright else "",
        str(platform.most_lines),
        str(platform.most_fps),
        "; ".join(
            (f"{rates.lines}p{rates.fps} " if len(platform.video) > 1 else "") + span(rates)
            for rates in platform.video
        ),
        span(VideoRates(0, 0, *platform.audio_bps)) if platform.audio_bps else "",
        f"{keyframes_s} s" if keyframes_s else "",
        "" if platform.tls == "unknown" else platform.tls,
    ]
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def span(rates: VideoRates) -> str:
    most = f"{rates.most_bps // 1000:,}"
    return f"{rates.least_bps // 1000:,}–{most}" if rates.least_bps else f"up to {most}"
