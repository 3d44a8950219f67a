"""What the sessions tell the application, as values."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

MediaKind = Literal["audio", "video", "data"]


@dataclass(frozen=True, slots=True)
class PublishStarted:
    """Client: the server takes our media from here on."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Client: the server said no, before the start or later; the session is over.

    `code` is RTMP's (`NetStream.Publish.BadName`), `description` the server's own words.
    """

    code: str
    description: str


@dataclass(frozen=True, slots=True)
class PublishRequested:
    """Server: a publisher asks to be accepted or rejected.

    `app` and `key` are as they were sent, query strings included.
    """

    app: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MediaReceived:
    """Server: one message of an accepted publisher.

    `payload` is an FLV tag's body; for data it is AMF0, mostly `@setDataFrame`.
    """

    kind: MediaKind
    timestamp_ms: int
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublishEnded:
    """Server: the publisher said goodbye (FCUnpublish, deleteStream or closeStream)."""


ClientEvent: TypeAlias = PublishStarted | Refused
ServerEvent: TypeAlias = PublishRequested | MediaReceived | PublishEnded
