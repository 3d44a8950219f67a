"""Why a target cannot be reached or refuses, in words a shop owner understands."""

import errno
import socket
import ssl

from mediaserver.rtmp.events import Refused
from mediaserver.secret import redacted
from sync.secret import MASK

_CERTIFICATE = {
    # OpenSSL's X509_V_ERR_* numbers (x509_vfy.h); the standard library has no names for them.
    9: "is not valid yet; check this computer's clock",
    10: "has expired",
    18: "is self-signed, so nobody vouches for it",
    19: "is signed by somebody this computer does not trust",
    20: "is signed by somebody this computer does not trust",
    21: "is signed by somebody this computer does not trust",
    23: "has been revoked",
}
_WRONG_NAME = (62, 64)

_SOCKET = {
    errno.ECONNREFUSED: "the server refused the connection: nothing listens on port {port}",
    errno.ECONNRESET: "the server broke off the connection",
    errno.EHOSTUNREACH: "the server cannot be reached from this computer's network",
    errno.ENETUNREACH: "this computer has no network connection to the server",
    errno.ETIMEDOUT: "the server did not answer",
}

_CODES = {
    "NetStream.Publish.BadName": "the stream key is wrong or already in use",
    "NetStream.Publish.Denied": "the stream key is not allowed to publish",
    "NetStream.Publish.Unauthorized": "the stream key is not allowed to publish",
    "NetStream.Publish.Rejected": "the stream key is not allowed to publish",
    "NetConnection.Connect.Rejected": "the server address is not accepted",
    "NetConnection.Connect.InvalidApp": "the server does not know this address",
}

_MAX_WORDS = 200
"""Characters of a server's own words that are passed on."""


def connect_failure(error: OSError, host: str, port: int) -> str:
    """Why no connection to `host` came about."""
    match error:
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return f"the name {host} could not be looked up; is the network down?"
        case socket.gaierror():
            return f"there is no server named {host}; is the address spelled right?"
        case ssl.SSLCertVerificationError(verify_code=code) if code in _WRONG_NAME:
            return f"the server's certificate is not valid for {host}"
        case ssl.SSLCertVerificationError(verify_code=code):
            return f"the server's certificate {_CERTIFICATE.get(code, 'cannot be checked')}"
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "RECORD_LAYER_FAILURE"):
            return f"the server does not speak TLS on port {port}; is it rtmp:// that is meant?"
        case ssl.SSLError():
            return "the server and this computer could not agree on a secure connection"
        case ConnectionError(errno=None):
            return "the server broke off the connection"
    words = _SOCKET.get(error.errno or 0, "the connection failed")
    return words.format(port=port)


def refusal(refused: Refused, key: str) -> str:
    """What a server's refusal means; its own words follow, without the stream key."""
    meaning = _CODES.get(refused.code, "the server refused the stream")
    said = "".join(c if c.isprintable() else " " for c in refused.description).strip()
    for part in (key, key.partition("?")[0]):
        said = said.replace(part, MASK) if part else said
    said = redacted(said)[:_MAX_WORDS]
    return f"{meaning} (it says: {said})" if said else meaning
