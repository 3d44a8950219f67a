"""The exceptions of RTMP.

ShopcastError
└── RtmpError
    ├── ProtocolError    the peer sent bytes that are not RTMP, or more than the limits allow
    ├── WrongState       we asked a session for something that its state does not allow
    └── PublishRefused   an application refuses a publisher, by a code and words for them
"""

from mediaserver.errors import ShopcastError


class RtmpError(ShopcastError):
    """Base of every error of this package."""


class ProtocolError(RtmpError):
    """The peer's fault: bytes that cannot be understood, or are too many to be kept."""


class WrongState(RtmpError):
    """Our fault: a call that has no place in the session's state."""


class PublishRefused(RtmpError):
    """Raised by an application to turn a publisher away.

    `code` is sent in an onStatus of level error (`NetStream.Publish.BadName`).
    """

    def __init__(self, description: str, code: str = "NetStream.Publish.BadName") -> None:
        super().__init__(description)
        self.code = code
        self.description = description
