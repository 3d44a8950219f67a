"""A target's address, taken apart the way encoders do."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from mediaserver.errors import BadRequest

_DEFAULT_PORTS = {"rtmp": 1935, "rtmps": 443}


@dataclass(frozen=True, slots=True)
class TargetUrl:
    """Where to publish, without the stream key.

    `host` is in ASCII (IDNA). `app` keeps the query (`live2?backup=1`) and, like `tc_url`, its
    percent-encoding: OBS and FFmpeg send both as they were typed, and servers compare them so.
    """

    secure: bool
    host: str
    port: int
    app: str
    tc_url: str


def parse_target_url(url: str) -> TargetUrl:
    """Raises BadRequest, its path `url`, with a reason for whoever typed it."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
        # Refuses what no resolver takes: labels that are empty or over 63 characters.
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError:
        raise BadRequest("this is not a valid address", "url") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise BadRequest("the address must begin with rtmp:// or rtmps://", "url")
    if any(not character.isprintable() or character.isspace() for character in url):
        raise BadRequest("the address contains a space or an unprintable character", "url")
    if "@" in parts.netloc:
        raise BadRequest("a user name and password in the address are not supported", "url")
    if parts.fragment:
        raise BadRequest("the address must not contain #", "url")
    if not host:
        raise BadRequest("the address names no server", "url")
    if port == 0:
        raise BadRequest("the port must be between 1 and 65535", "url")
    path = parts.path.strip("/")
    if not path:
        raise BadRequest("the address must go on after the server's name, as in /live", "url")
    app = f"{path}?{parts.query}" if parts.query else path
    return TargetUrl(
        secure=parts.scheme == "rtmps",
        host=host,
        port=port or _DEFAULT_PORTS[parts.scheme],
        app=app,
        tc_url=f"{parts.scheme}://{parts.netloc}/{app}",
    )
