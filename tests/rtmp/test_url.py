import pytest

from mediaserver.errors import BadRequest
from mediaserver.rtmp.url import TargetUrl, parse_target_url


@pytest.mark.parametrize(
    ("url", "parsed"),
    [
        (
            "rtmp://live.example.com/app",
            TargetUrl(False, "live.example.com", 1935, "app", "rtmp://live.example.com/app"),
        ),
        (
            "rtmps://host:443/app?x=1",
            TargetUrl(True, "host", 443, "app?x=1", "rtmps://host:443/app?x=1"),
        ),
        (
            "rtmps://b.rtmps.youtube.com/live2?backup=1",
            TargetUrl(
                True,
                "b.rtmps.youtube.com",
                443,
                "live2?backup=1",
                "rtmps://b.rtmps.youtube.com/live2?backup=1",
            ),
        ),
        (
            " rtmps://live-api-s.facebook.com:443/rtmp/\n",
            TargetUrl(
                True,
                "live-api-s.facebook.com",
                443,
                "rtmp",
                "rtmps://live-api-s.facebook.com:443/rtmp",
            ),
        ),
        (
            "RTMP://Host/a/b%2Fc/",
            TargetUrl(False, "host", 1935, "a/b%2Fc", "rtmp://Host/a/b%2Fc"),
        ),
        ("rtmp://[::1]:1936/x", TargetUrl(False, "::1", 1936, "x", "rtmp://[::1]:1936/x")),
        (
            "rtmp://bücher.example/x",
            TargetUrl(False, "xn--bcher-kva.example", 1935, "x", "rtmp://bücher.example/x"),
        ),
    ],
)
def test_address_is_taken_apart_the_way_encoders_do(url: str, parsed: TargetUrl) -> None:
    assert parse_target_url(url) == parsed


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "must begin with rtmp:// or rtmps://"),
        ("https://host/app", "must begin with rtmp:// or rtmps://"),
        ("host/app", "must begin with rtmp:// or rtmps://"),
        ("file:///etc/passwd", "must begin with rtmp:// or rtmps://"),
        ("rtmp://host", "must go on after the server's name"),
        ("rtmp://host/?x=1", "must go on after the server's name"),
        ("rtmp:///app", "names no server"),
        ("rtmp://host:0/app", "port must be between 1 and 65535"),
        ("rtmp://host:99999/app", "not a valid address"),
        ("rtmp://host:x/app", "not a valid address"),
        ("rtmp://[::1/app", "not a valid address"),
        ("rtmp://.host/app", "not a valid address"),
        (f"rtmp://{'x' * 64}.com/app", "not a valid address"),
        ("rtmp://user:pass@host/app", "user name and password"),
        ("rtmp://host/app#x", "must not contain #"),
        ("rtmp://host/my app", "a space or an unprintable character"),
        ("rtmp://host/app\x7f", "a space or an unprintable character"),
    ],
)
def test_unusable_address_is_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason) as refused:
        parse_target_url(url)
    assert refused.value.path == "url"
