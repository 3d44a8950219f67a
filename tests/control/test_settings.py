import contextlib
import re
import tomllib
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.errors import ConfigError
from mediaserver.settings import (
    SECTIONS,
    IceServer,
    Settings,
    declared,
    is_loopback,
    read_settings,
    settings_of,
)
from sync.secret import Secret
from tests.peers.certificates import Authority

EXAMPLE = Path(__file__).parents[2] / "docs" / "shopcast.example.toml"


def faults_of(environment: dict[str, str], document: dict[str, object]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        settings_of(environment, document, "shop.toml")
    return caught.value.faults


def test_nothing_set_is_a_server_for_this_machine_alone() -> None:
    settings = read_settings(None, {})

    assert settings == Settings()
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 8080)
    assert settings.webrtc.ice_servers == ()
    assert settings.warnings == ()


def test_environment_wins_over_the_file() -> None:
    settings = settings_of(
        {"SHOPCAST_PORT": "9000"}, {"http": {"port": 8000, "host": "localhost"}}, "shop.toml"
    )

    assert (settings.http.host, settings.http.port) == ("localhost", 9000)


def test_an_empty_variable_is_no_setting() -> None:
    assert settings_of({"SHOPCAST_PORT": ""}, {}, "shop.toml").http.port == 8080


def test_all_faults_are_listed_at_once() -> None:
    faults = faults_of(
        {"SHOPCAST_PORT": "eighty", "SHOPCAST_UDP_PORTS": "9-5", "SHOPCAST_TLS_CERT": "/c.pem"},
        {"http": {"prot": 1}, "strore": {}, "encoder": {"x264_preset": "quick"}, "log": 5},
    )

    assert faults == (
        "http.prot in shop.toml: there is no such setting; did you mean port?",
        "SHOPCAST_PORT: must be a number, not 'eighty'",
        "SHOPCAST_UDP_PORTS: must be a range of ports from 1024 to 65535, such as 40000-40100",
        "encoder.x264_preset in shop.toml: must be one of ultrafast, superfast, veryfast, faster, "
        "fast, medium, slow, slower, veryslow, not 'quick'",
        "log in shop.toml: must be a section, written [log]",
        "strore in shop.toml: there is no such section; did you mean store?",
        "SHOPCAST_TLS_CERT, SHOPCAST_TLS_KEY: set both (https) or neither (http), not one",
    )


def test_the_bounds_of_a_number_are_said_as_people_write_them() -> None:
    assert faults_of({"SHOPCAST_RESUME_WITHIN_S": "-4"}, {}) == (
        "SHOPCAST_RESUME_WITHIN_S: must be from 0 to 2592000, not -4",
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SHOPCAST_PORT", "70000"),
        ("SHOPCAST_PORT", "80.5"),
        ("SHOPCAST_PUBLIC_URL", "shop.example"),
        ("SHOPCAST_PUBLIC_URL", "https://shop.example/?a=1"),
        ("SHOPCAST_PUBLIC_IP", "shop.example"),
        ("SHOPCAST_UDP_PORTS", "80-90"),
        ("SHOPCAST_UDP_PORTS", "40100-40000"),
        ("SHOPCAST_UDP_PORTS", "40000"),
        ("SHOPCAST_ICE_SERVERS", "turn:relay.example"),
        ("SHOPCAST_ICE_SERVERS", "http://relay.example"),
        ("SHOPCAST_ICE_SERVERS", '[{"urls": "stun:a", "user": "b"}]'),
        ("SHOPCAST_ICE_SERVERS", "[1"),
        ("SHOPCAST_ADMIN_TOKEN", "short"),
        ("SHOPCAST_SECRET_KEYS", "not-a-key"),
        ("SHOPCAST_REDIS_URL", "localhost:6379"),
        ("SHOPCAST_REDIS_URL", "redis://localhost:99999"),
        ("SHOPCAST_REDIS_URL", "redis://localhost?db=x"),
        ("SHOPCAST_REDIS_URL", "redis://localhost?nonsense=1"),
        ("SHOPCAST_PUBLIC_URL", "https://shop.example:99999"),
        ("SHOPCAST_DATA_DIR", "~nobody-at-all/x"),
        ("SHOPCAST_KEYFRAME_INTERVAL_S", "0"),
        ("SHOPCAST_MAX_FEEDS", "0"),
        ("SHOPCAST_LOG_LEVEL", "chatty"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_variable(variable: str, value: str) -> None:
    (fault,) = faults_of({variable: value}, {})

    assert fault.startswith(f"{variable}: ")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SHOPCAST_ADMIN_TOKEN", "hunter2"),
        ("SHOPCAST_SECRET_KEYS", "hunter2"),
        ("SHOPCAST_REDIS_URL", "redis://:hunter2#3@localhost"),
    ],
)
def test_a_fault_does_not_repeat_a_secret(variable: str, value: str) -> None:
    assert "hunter2" not in faults_of({variable: value}, {})[0]


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("stun:stun.example:3478", (IceServer(("stun:stun.example:3478",)),)),
        (
            "stun:a.example, turn:ann:p%40ss@b.example:3478?transport=udp",
            (
                IceServer(("stun:a.example",)),
                IceServer(("turn:b.example:3478?transport=udp",), "ann", Secret("p@ss")),
            ),
        ),
        (
            '[{"urls": ["turn:b.example", "turns:b.example"], "username": "u", "credential": "c"}]',
            (IceServer(("turn:b.example", "turns:b.example"), "u", Secret("c")),),
        ),
        ('{"urls": "stun:a.example"}', (IceServer(("stun:a.example",)),)),
    ],
)
def test_ice_servers_are_json_or_a_list_of_addresses(
    text: str, servers: tuple[IceServer, ...]
) -> None:
    assert settings_of({"SHOPCAST_ICE_SERVERS": text}, {}, "").webrtc.ice_servers == servers


@given(
    st.sampled_from(sorted(s.variable for k in SECTIONS.values() for s in declared(k).values())),
    st.text(min_size=1),
)
def test_any_text_in_a_variable_is_taken_or_a_fault(variable: str, text: str) -> None:
    with contextlib.suppress(ConfigError):
        settings_of({variable: text}, {}, "")


@given(
    st.dictionaries(
        st.sampled_from(sorted(SECTIONS)),
        st.dictionaries(
            st.sampled_from(sorted(name for kind in SECTIONS.values() for name in declared(kind))),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text()
            | st.lists(st.text() | st.dictionaries(st.text(), st.text())),
        ),
    )
)
def test_any_toml_is_taken_or_a_fault(document: dict[str, object]) -> None:
    with contextlib.suppress(ConfigError):
        settings_of({}, document, "")


def test_udp_ports_are_first_and_last() -> None:
    settings = settings_of({"SHOPCAST_UDP_PORTS": "40000-40100"}, {}, "")

    assert settings.webrtc.udp_ports == (40000, 40100)


def test_secrets_do_not_print() -> None:
    key = Fernet.generate_key().decode()
    settings = settings_of(
        {
            "SHOPCAST_ADMIN_TOKEN": "a-token-of-the-owner",
            "SHOPCAST_SECRET_KEYS": key,
            "SHOPCAST_REDIS_URL": "redis://:password@db.example",
            "SHOPCAST_ICE_SERVERS": "turn:u:relay-password@b.example",
        },
        {},
        "",
    )

    for secret in ("a-token-of-the-owner", key, "relay-password", "redis://"):
        assert secret not in repr(settings)


@pytest.mark.parametrize(
    ("host", "public_url", "warned"),
    [
        ("127.0.0.1", None, False),
        ("::1", None, False),
        ("localhost", None, False),
        ("0.0.0.0", None, True),
        ("192.0.2.7", "http://shop.example", True),
        ("0.0.0.0", "https://shop.example", False),
    ],
)
def test_a_server_for_others_without_https_is_warned_of_cameras(
    host: str, public_url: str | None, warned: bool
) -> None:
    environment = {"SHOPCAST_HOST": host, "SHOPCAST_PUBLIC_URL": public_url or ""}
    warnings = settings_of(environment, {}, "").warnings

    assert any("camera" in warning for warning in warnings) == warned


def test_a_mistyped_variable_is_a_warning() -> None:
    assert settings_of({"SHOPCAST_PROT": "1"}, {}, "").warnings == (
        "SHOPCAST_PROT in the environment is no setting of this server; "
        "did you mean SHOPCAST_PORT?",
    )


def test_a_certificate_and_its_key_are_tried(tmp_path: Path) -> None:
    certificate = tmp_path / "cert.pem"
    certificate.write_text("no certificate")
    files = {"SHOPCAST_TLS_CERT": str(certificate), "SHOPCAST_TLS_KEY": str(certificate)}

    (fault,) = faults_of(files, {})

    assert fault.startswith("SHOPCAST_TLS_CERT, SHOPCAST_TLS_KEY: cannot be used: ")


def test_a_key_with_a_password_is_a_fault_and_no_question(tmp_path: Path) -> None:
    Authority(tmp_path).serving("localhost")
    (pem,) = tmp_path.glob("*.pem")
    key = serialization.load_pem_private_key(pem.read_bytes(), None)
    encrypted = tmp_path / "key.pem"
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hunter2"),
        )
    )
    files = {"SHOPCAST_TLS_CERT": str(pem), "SHOPCAST_TLS_KEY": str(encrypted)}

    assert faults_of(files, {}) == (
        "SHOPCAST_TLS_CERT, SHOPCAST_TLS_KEY: cannot be used: "
        "the key is encrypted: store it without a password, readable by us alone",
    )


def test_a_file_that_is_no_toml_is_a_fault_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "shop.toml"
    config.write_text("[http]\nport = \n")

    with pytest.raises(ConfigError, match=r"shop\.toml: .*line 2"):
        read_settings(config, {})


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"No such file"):
        read_settings(tmp_path / "none.toml", {})


def example_without_comments() -> str:
    """The example with every setting that it shows in a comment."""
    return re.sub(r"^# (\w+ = )", r"\1", EXAMPLE.read_text(), flags=re.MULTILINE)


def test_the_example_shows_every_setting_and_no_other() -> None:
    shown = tomllib.loads(example_without_comments())

    assert {section: sorted(keys) for section, keys in shown.items()} == {
        section: sorted(declared(kind)) for section, kind in SECTIONS.items()
    }


def test_the_example_names_every_variable() -> None:
    named = set(re.findall(r"SHOPCAST_\w+", EXAMPLE.read_text()))

    assert named == {s.variable for kind in SECTIONS.values() for s in declared(kind).values()}


def test_the_example_can_be_used_as_it_is() -> None:
    assert read_settings(EXAMPLE, {}) == Settings()


def test_the_highest_price_is_told_in_dollars() -> None:
    named = {"SHOPCAST_TIKTOK_US_HIGHEST_PRICE": "9999.50"}

    assert settings_of(named, {}, "shop.toml").tiktok.us_highest_price == 999_950
    (fault,) = faults_of({"SHOPCAST_TIKTOK_US_HIGHEST_PRICE": "7,600"}, {})
    assert fault.startswith("SHOPCAST_TIKTOK_US_HIGHEST_PRICE: ")


@pytest.mark.parametrize(("text", "port"), [("off", None), (" Off ", None), ("1936", 1936)])
def test_feeds_by_rtmp_have_a_port_or_are_off(text: str, port: int | None) -> None:
    assert settings_of({"SHOPCAST_RTMP_PORT": text}, {}, "shop.toml").rtmp.port == port


@pytest.mark.parametrize(
    ("host", "expected"), [("127.3.2.1", True), ("[::1]", True), ("10.0.0.1", False), ("a", False)]
)
def test_loopback_is_known(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_an_app_at_tiktok_is_named_whole_or_not_at_all() -> None:
    whole = {
        "SHOPCAST_TIKTOK_APP_KEY": "key",
        "SHOPCAST_TIKTOK_APP_SECRET": "s3cret-s3cret",
        "SHOPCAST_TIKTOK_SERVICE_ID": "7012",
    }

    tiktok = settings_of(whole, {}, "shop.toml").tiktok

    assert (tiktok.app_key, tiktok.service_id) == ("key", "7012")
    assert tiktok.app_secret == Secret("s3cret-s3cret")
    for variable in whole:
        part = {name: value for name, value in whole.items() if name != variable}
        assert faults_of(part, {}) == (f"{variable}: missing; an app at TikTok Shop has all three",)


def test_tiktok_has_to_reach_this_server() -> None:
    app = {
        "SHOPCAST_TIKTOK_APP_KEY": "key",
        "SHOPCAST_TIKTOK_APP_SECRET": "s3cret-s3cret",
        "SHOPCAST_TIKTOK_SERVICE_ID": "7012",
    }
    (warning,) = settings_of(app, {}, "shop.toml").warnings

    assert warning.startswith("SHOPCAST_PUBLIC_URL is not set: TikTok Shop")
    for mended in (
        {"SHOPCAST_PUBLIC_URL": "https://live.shop.example"},
        {"SHOPCAST_TIKTOK_API_URL": "http://127.0.0.1:8090"},
    ):
        assert settings_of(app | mended, {}, "shop.toml").warnings == ()


@pytest.mark.parametrize(
    ("text", "allowed"), [("yes", True), ("True", True), (" no ", False), ("false", False)]
)
def test_private_images_are_allowed_by_a_plain_yes(text: str, allowed: bool) -> None:
    environment = {"SHOPCAST_ALLOW_PRIVATE_IMAGES": text}

    assert settings_of(environment, {}, "shop.toml").shop.allow_private_images is allowed


def test_a_yes_or_no_is_nothing_else() -> None:
    assert faults_of({"SHOPCAST_ALLOW_PRIVATE_IMAGES": "1"}, {}) == (
        "SHOPCAST_ALLOW_PRIVATE_IMAGES: must be yes or no, not '1'",
    )
    assert faults_of({}, {"shop": {"allow_private_images": 1}}) == (
        "shop.allow_private_images in shop.toml: must be yes or no, not 1",
    )
