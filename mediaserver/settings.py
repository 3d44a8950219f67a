"""What the operator sets: a TOML file and the environment, the environment winning.

Each setting is declared once, in a section below, with its variable and its parser; values
travel from here to the one constructor that needs them. docs/shopcast.example.toml shows all.
"""

import difflib
import ipaddress
import json
import os
import re
import ssl
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar, get_type_hints
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography.fernet import Fernet

from mediaserver.encoder import DEFAULT_PRESET
from mediaserver.errors import ConfigError
from sync.catalogue.money import minor_units
from sync.connection import check_url
from sync.eligibility.local_rules import US_HIGHEST_PRICE
from sync.secret import Secret

T = TypeVar("T")
Parser = Callable[[object], T]
"""Takes a value of TOML or a string of the environment; raises ValueError(what is wrong)."""


@dataclass(frozen=True)
class IceServer:
    """A STUN or TURN server, as RTCIceServer of the WebRTC API has it."""

    urls: tuple[str, ...]
    username: str | None = None
    credential: Secret | None = None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    return value.strip()


def _number(low: float, high: float) -> Parser[float]:
    def parse(value: object) -> float:
        try:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError
            number = float(value)
        except ValueError:
            raise ValueError(f"must be a number, not {value!r}") from None
        if not low <= number <= high:
            raise ValueError(f"must be from {low:.10g} to {high:.10g}, not {number:.10g}")
        return number

    return parse


def _whole(low: int, high: int) -> Parser[int]:
    number = _number(low, high)

    def parse(value: object) -> int:
        parsed = number(value)
        if parsed != int(parsed):
            raise ValueError(f"must be a whole number, not {parsed:g}")
        return int(parsed)

    return parse


def _one_of(*allowed: str) -> Parser[str]:
    def parse(value: object) -> str:
        text = _text(value).lower()
        if text not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {text!r}")
        return text

    return parse


def _path(value: object) -> Path:
    try:
        return Path(_text(value)).expanduser().absolute()
    except RuntimeError as error:  # ~ of a user who is not there
        raise ValueError(str(error)) from None


def _url(*schemes: str) -> Parser[str]:
    def parse(value: object) -> str:
        text = _text(value).rstrip("/")
        parts = urlsplit(text)
        if parts.scheme not in schemes or not (parts.hostname or parts.scheme == "unix"):
            raise ValueError(f"must be an address that begins with {'://, '.join(schemes)}://")
        try:
            _ = parts.port
        except ValueError:  # its words may hold a part of a password
            raise ValueError("must have a port from 0 to 65535, or none") from None
        return text

    return parse


def _public_url(value: object) -> str:
    text = _url("http", "https")(value)
    parts = urlsplit(text)
    if parts.query or parts.fragment or parts.username:
        raise ValueError("must be a plain address without user name, ? or #")
    return text


def _redis_url(value: object) -> Secret:
    url = _url("redis", "rediss", "unix")(value)
    check_url(url)
    return Secret(url)


def _ip(value: object) -> str:
    try:
        return str(ipaddress.ip_address(_text(value)))
    except ValueError:
        raise ValueError(f"must be an IP address, not {value!r}") from None


def _udp_ports(value: object) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})\s*-\s*(\d{1,5})", _text(value))
    if not found or not 1024 <= int(found[1]) <= int(found[2]) <= 65535:
        raise ValueError("must be a range of ports from 1024 to 65535, such as 40000-40100")
    return int(found[1]), int(found[2])


def _token(value: object) -> Secret:
    text = _text(value)
    if len(text) < 16 or not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("must be 16 or more printable characters without a blank")
    return Secret(text)


def _keys(value: object) -> tuple[Secret, ...]:
    keys = tuple(Secret(_text(key)) for key in _items(value))
    for key in keys:
        try:
            Fernet(key.reveal())
        except ValueError:
            raise ValueError(
                "each key must be 32 bytes in URL-safe base64, as "
                "cryptography's Fernet.generate_key() makes them"
            ) from None
    if not keys:
        raise ValueError("must name a key at least, or be left out")
    return keys


def _secret(value: object) -> Secret:
    return Secret(_text(value))


def _yes_or_no(value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = value.strip().lower() if isinstance(value, str) else ""
    if text not in ("yes", "no", "true", "false"):
        raise ValueError(f"must be yes or no, not {value!r}")
    return text in ("yes", "true")


def _dollars(value: object) -> int:
    """In cents."""
    return minor_units(_text(value), "USD")


def _time_zone(value: object) -> ZoneInfo:
    name = _text(value)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise ValueError(f"must name a time zone, such as Europe/Berlin, not {name!r}") from None


def _items(value: object) -> list[object]:
    """A TOML array, or the parts of a string between commas."""
    if isinstance(value, list):
        return value
    return [part for part in _text(value).split(",") if part.strip()]


def _ice_servers(value: object) -> tuple[IceServer, ...]:
    """JSON or TOML as RTCIceServer has it, or `turn:user:password@host:3478?transport=udp, …`."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"is not the JSON it looks like: {error.msg}") from None
    entries = [value] if isinstance(value, dict) else _items(value)
    return tuple(_ice_server(entry) for entry in entries)


def _ice_server(entry: object) -> IceServer:
    server: object = entry
    if isinstance(entry, str):
        scheme, _, rest = entry.strip().partition(":")
        account, _, host = rest.rpartition("@")
        username, _, credential = map(unquote, account.partition(":"))
        server = {"urls": f"{scheme}:{host}", "username": username, "credential": credential}
    if not isinstance(server, dict) or not server.keys() <= {"urls", "username", "credential"}:
        raise ValueError("each server must have urls and may have username and credential")
    named = server.get("urls")
    urls = tuple(named) if isinstance(named, list) else (named,)
    if not urls or not all(
        isinstance(url, str) and re.fullmatch(r"(stuns?|turns?):[^\s@/]+", url) for url in urls
    ):
        raise ValueError("each address must look like stun:host:port or turn:user:password@host")
    username, credential = server.get("username") or "", server.get("credential") or ""
    if not isinstance(username, str) or not isinstance(credential, str):
        raise ValueError("user name and password must be strings")
    if any(url.startswith("turn") for url in urls) and not (username and credential):
        raise ValueError("a TURN server needs a user name and a password")
    return IceServer(urls, username or None, Secret(credential) if credential else None)


@dataclass(frozen=True)
class Setting(Generic[T]):
    """How a field is set: by the environment's `variable`, or by its name in its section."""

    variable: str
    parse: Parser[T]


_UTC = ZoneInfo("UTC")
_PORT = _whole(0, 65535)


def _port_or_off(value: object) -> int | None:
    if isinstance(value, str) and value.strip().lower() == "off":
        return None
    try:
        return _PORT(value)
    except ValueError as error:
        raise ValueError(f"{error} (or off)") from None


_HTTP_URL = _url("http", "https")
_PRESETS = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast"),
    *("medium", "slow", "slower", "veryslow"),
)


@dataclass(frozen=True)
class HttpSettings:
    host: Annotated[str, Setting("SHOPCAST_HOST", _text)] = "127.0.0.1"
    port: Annotated[int, Setting("SHOPCAST_PORT", _PORT)] = 8080
    public_url: Annotated[str | None, Setting("SHOPCAST_PUBLIC_URL", _public_url)] = None
    tls_cert: Annotated[Path | None, Setting("SHOPCAST_TLS_CERT", _path)] = None
    tls_key: Annotated[Path | None, Setting("SHOPCAST_TLS_KEY", _path)] = None


@dataclass(frozen=True)
class WebRtcSettings:
    ice_servers: Annotated[
        tuple[IceServer, ...], Setting("SHOPCAST_ICE_SERVERS", _ice_servers)
    ] = ()
    public_ip: Annotated[str | None, Setting("SHOPCAST_PUBLIC_IP", _ip)] = None
    udp_ports: Annotated[tuple[int, int] | None, Setting("SHOPCAST_UDP_PORTS", _udp_ports)] = None


@dataclass(frozen=True)
class RtmpSettings:
    port: Annotated[int | None, Setting("SHOPCAST_RTMP_PORT", _port_or_off)] = 1935


@dataclass(frozen=True)
class StoreSettings:
    data_dir: Annotated[Path, Setting("SHOPCAST_DATA_DIR", _path)] = (
        Path.home() / ".local/share/shopcast"
    )
    redis_url: Annotated[Secret | None, Setting("SHOPCAST_REDIS_URL", _redis_url)] = None


@dataclass(frozen=True)
class SecretSettings:
    admin_token: Annotated[Secret | None, Setting("SHOPCAST_ADMIN_TOKEN", _token)] = None
    secret_keys: Annotated[tuple[Secret, ...], Setting("SHOPCAST_SECRET_KEYS", _keys)] = ()


@dataclass(frozen=True)
class EncoderSettings:
    x264_preset: Annotated[str, Setting("SHOPCAST_X264_PRESET", _one_of(*_PRESETS))] = (
        DEFAULT_PRESET
    )
    keyframe_interval_s: Annotated[
        float, Setting("SHOPCAST_KEYFRAME_INTERVAL_S", _number(0.5, 10))
    ] = 2.0


@dataclass(frozen=True)
class CapacitySettings:
    """What this node takes on before it answers 503."""

    shows: Annotated[int, Setting("SHOPCAST_MAX_SHOWS", _whole(1, 1000))] = 8
    feeds: Annotated[int, Setting("SHOPCAST_MAX_FEEDS", _whole(1, 1000))] = 32
    targets: Annotated[int, Setting("SHOPCAST_MAX_TARGETS", _whole(1, 10_000))] = 256
    viewers: Annotated[int, Setting("SHOPCAST_MAX_VIEWERS", _whole(0, 1000))] = 32


@dataclass(frozen=True)
class RecordingSettings:
    """`reserve_mib` of the disk are left to Redis and the rest of the server."""

    reserve_mib: Annotated[int, Setting("SHOPCAST_RECORDING_RESERVE_MIB", _whole(0, 1 << 30))] = (
        2048
    )


@dataclass(frozen=True)
class ShowSettings:
    """A show whose server was away for `resume_within_s` at most goes on by itself."""

    resume_within_s: Annotated[
        float, Setting("SHOPCAST_RESUME_WITHIN_S", _number(0, 30 * 24 * 3600))
    ] = 600.0


@dataclass(frozen=True)
class LogSettings:
    level: Annotated[
        str, Setting("SHOPCAST_LOG_LEVEL", _one_of("debug", "info", "warning", "error"))
    ] = "info"


@dataclass(frozen=True)
class ShopSettings:
    """`allow_private_images`: pictures may come from addresses of our own network. `time_zone` is
    the one whose hours and days the shop's reports have. What is known of an order's buyer is kept
    for `buyer_data_days`."""

    allow_private_images: Annotated[bool, Setting("SHOPCAST_ALLOW_PRIVATE_IMAGES", _yes_or_no)] = (
        False
    )
    time_zone: Annotated[ZoneInfo, Setting("SHOPCAST_TIME_ZONE", _time_zone)] = _UTC
    buyer_data_days: Annotated[int, Setting("SHOPCAST_BUYER_DATA_DAYS", _whole(1, 3650))] = 60


@dataclass(frozen=True)
class TikTokSettings:
    """Our app at TikTok: `app_key`, `app_secret` and `service_id` are all there or none is.
    `us_highest_price` is in cents."""

    app_key: Annotated[str | None, Setting("SHOPCAST_TIKTOK_APP_KEY", _text)] = None
    app_secret: Annotated[Secret | None, Setting("SHOPCAST_TIKTOK_APP_SECRET", _secret)] = None
    service_id: Annotated[str | None, Setting("SHOPCAST_TIKTOK_SERVICE_ID", _text)] = None
    api_url: Annotated[str, Setting("SHOPCAST_TIKTOK_API_URL", _HTTP_URL)] = (
        "https://open-api.tiktokglobalshop.com"
    )
    auth_url: Annotated[str, Setting("SHOPCAST_TIKTOK_AUTH_URL", _HTTP_URL)] = (
        "https://auth.tiktok-shops.com"
    )
    authorize_url: Annotated[str, Setting("SHOPCAST_TIKTOK_AUTHORIZE_URL", _HTTP_URL)] = (
        "https://services.us.tiktokshop.com/open/authorize"
    )
    us_highest_price: Annotated[int, Setting("SHOPCAST_TIKTOK_US_HIGHEST_PRICE", _dollars)] = (
        US_HIGHEST_PRICE
    )


@dataclass(frozen=True)
class Settings:
    http: HttpSettings = HttpSettings()
    webrtc: WebRtcSettings = WebRtcSettings()
    rtmp: RtmpSettings = RtmpSettings()
    store: StoreSettings = StoreSettings()
    secrets: SecretSettings = SecretSettings()
    encoder: EncoderSettings = EncoderSettings()
    capacity: CapacitySettings = CapacitySettings()
    recording: RecordingSettings = RecordingSettings()
    show: ShowSettings = ShowSettings()
    log: LogSettings = LogSettings()
    shop: ShopSettings = ShopSettings()
    tiktok: TikTokSettings = TikTokSettings()
    warnings: tuple[str, ...] = ()


SECTIONS: dict[str, type[Any]] = {
    each.name: type(each.default) for each in fields(Settings) if each.name != "warnings"
}


def declared(kind: type[Any]) -> dict[str, Setting[Any]]:
    """Each setting of a section by its name."""
    return {
        name: hint.__metadata__[0]
        for name, hint in get_type_hints(kind, include_extras=True).items()
    }


def settings_of(
    environment: Mapping[str, str], document: Mapping[str, object], document_name: str
) -> Settings:
    """The settings of a parsed TOML `document` and an `environment`.

    Raises ConfigError with every fault found.
    """
    faults: list[str] = []
    sections = {
        name: _section(name, kind, environment, document, document_name, faults)
        for name, kind in SECTIONS.items()
    }
    faults += [
        f"{name} in {document_name}: there is no such section{_meant(name, SECTIONS)}"
        for name in document
        if name not in SECTIONS
    ]
    http = sections["http"]
    if (http.tls_cert is None) != (http.tls_key is None):
        faults.append(
            "SHOPCAST_TLS_CERT, SHOPCAST_TLS_KEY: set both (https) or neither (http), not one"
        )
    elif http.tls_cert is not None:
        try:
            tls_context(http.tls_cert, http.tls_key)
        except (OSError, ValueError) as error:
            faults.append(f"SHOPCAST_TLS_CERT, SHOPCAST_TLS_KEY: cannot be used: {error}")
    tiktok = sections["tiktok"]
    app = {
        "SHOPCAST_TIKTOK_APP_KEY": tiktok.app_key,
        "SHOPCAST_TIKTOK_APP_SECRET": tiktok.app_secret,
        "SHOPCAST_TIKTOK_SERVICE_ID": tiktok.service_id,
    }
    missing = [variable for variable, value in app.items() if value is None]
    if missing and len(missing) < len(app):
        faults.append(f"{', '.join(missing)}: missing; an app at TikTok Shop has all three")
    if faults:
        raise ConfigError(faults)
    return Settings(**sections, warnings=_warnings(sections, environment))


def read_settings(config: Path | None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of the TOML file at `config` and the `environment`. Raises ConfigError."""
    document: dict[str, object] = {}
    if config is not None:
        try:
            document = tomllib.loads(config.read_text())
        except (OSError, ValueError) as error:
            raise ConfigError([f"{config}: {error}"]) from error
    return settings_of(environment, document, str(config))


def _section(
    name: str,
    kind: type[Any],
    environment: Mapping[str, str],
    document: Mapping[str, object],
    document_name: str,
    faults: list[str],
) -> Any:
    known = declared(kind)
    table = document.get(name, {})
    if not isinstance(table, dict):
        faults.append(f"{name} in {document_name}: must be a section, written [{name}]")
        table = {}
    faults += [
        f"{name}.{key} in {document_name}: there is no such setting{_meant(key, known)}"
        for key in table
        if key not in known
    ]
    values: dict[str, object] = {}
    for key, setting in known.items():
        variable = setting.variable
        if environment.get(variable, "") != "":
            where, value = variable, environment[variable]
        elif key in table:
            where, value = f"{name}.{key} in {document_name}", table[key]
        else:
            continue
        try:
            values[key] = setting.parse(value)
        except ValueError as error:
            faults.append(f"{where}: {error}")
    return kind(**values)


def _meant(name: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {close[0]}?" if close else ""


def _warnings(sections: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[str, ...]:
    http = sections["http"]
    variables = {
        setting.variable: None for kind in SECTIONS.values() for setting in declared(kind).values()
    }
    found = [
        f"{name} in the environment is no setting of this server{_meant(name, variables)}"
        for name in sorted(environment)
        if name.startswith("SHOPCAST_") and name not in variables
    ]
    if http.host in ("0.0.0.0", "::") and http.public_url is None:
        found.append(
            "SHOPCAST_PUBLIC_URL is not set: invitations point to localhost, where other machines "
            "do not find this server"
        )
    tiktok = sections["tiktok"]
    is_real = not is_loopback(urlsplit(tiktok.api_url).hostname or "")
    if tiktok.app_key is not None and is_real and http.public_url is None:
        found.append(
            "SHOPCAST_PUBLIC_URL is not set: TikTok Shop sends sellers and its webhooks to that "
            "address, and reaches no localhost"
        )
    https = http.tls_cert is not None or (http.public_url or "").startswith("https://")
    if not is_loopback(http.host) and not https:
        found.append(
            f"listening on {http.host} without TLS: browsers give their camera to https pages "
            "only, so set SHOPCAST_TLS_CERT and SHOPCAST_TLS_KEY, or SHOPCAST_PUBLIC_URL to the "
            "https address of a proxy in front"
        )
    return tuple(found)


def tls_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """What a server at https needs. Raises OSError or ValueError for files it cannot use."""

    def no_password() -> str:
        raise ValueError("the key is encrypted: store it without a password, readable by us alone")

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key, no_password)  # else OpenSSL asks on the terminal
    return context


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine seen from itself only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
