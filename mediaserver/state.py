"""What is kept of a show: immutable records, to and from JSON, with a schema version.

All that a show needs to come back, here or on another server. Tokens are kept as hashes,
stream keys sealed by the vault.
"""

from typing import Annotated, Any, Literal

import msgspec

from mediaserver.errors import ShopcastError
from mediaserver.packet import AssetId, CanvasId, FeedId, ShowId, TargetId
from sync.model import ProductId

SCHEMA_VERSION = 1

Moment = Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)]
"""Unix seconds of the years 1970 to 9999, which calendars know."""


Encoding = tuple[int, int, float, int]
"""Width, height, rate and bits a second of a canvas."""


class CanvasRecord(msgspec.Struct, frozen=True):
    """A picture's size in pixels, rate and bits a second, and the layout and overlays last put
    on it, as documents of compositor.spec; `recording` while the shop wants it recorded."""

    width: int
    height: int
    fps: float
    video_bitrate: int
    layout: dict[str, Any]
    overlays: tuple[dict[str, Any], ...] = ()
    recording: bool = False

    @property
    def encoding(self) -> Encoding:
        """What cannot change while the canvas is made."""
        return self.width, self.height, self.fps, self.video_bitrate


class FeedRecord(msgspec.Struct, frozen=True):
    """One host's invitation. `admitted_at` (unix seconds) orders the admitted; None is the
    green room. `device_hash` tells the device that published last, "" one that says nothing."""

    name: str
    token_hash: str
    admitted_at: float | None = None
    gain_db: float = 0.0
    muted: bool = False
    solo: bool = False
    device_hash: str | None = None


class AssetRecord(msgspec.Struct, frozen=True):
    """An image, with its size in pixels, or a font; `size` is in bytes, which are in the store
    beside the record."""

    name: str
    kind: Literal["image", "font"]
    content_type: str
    size: int
    width: int | None = None
    height: int | None = None


class TargetRecord(msgspec.Struct, frozen=True):
    """One destination; `wanted` while the shop wants it to be live. `max_video_bitrate` (bits a
    second) is what the shop lets it be sent."""

    name: str
    platform: str
    canvas: CanvasId
    url: str | None = None
    sealed_key: str | None = None
    wanted: bool = False
    max_video_bitrate: int | None = None


class ShowRecord(msgspec.Struct, frozen=True):
    """A show; `revision` counts its changes. The products of the `rundown` come in its order, and
    `pinned` is one of them. Times are unix seconds. One that is `interrupted` was
    on air on a server that is no more; its targets and recordings are still wanted."""

    id: ShowId
    title: str
    canvases: dict[CanvasId, CanvasRecord]
    starts_at: Moment | None = None
    channels: tuple[str, ...] = ()
    feeds: dict[FeedId, FeedRecord] = {}
    targets: dict[TargetId, TargetRecord] = {}
    assets: dict[AssetId, AssetRecord] = {}
    rundown: tuple[ProductId, ...] = ()
    pinned: ProductId | None = None
    on_air: bool = False
    interrupted: bool = False
    started_at: Moment | None = None
    ended_at: Moment | None = None
    revision: int = 1
    version: int = SCHEMA_VERSION

    def but(self, **changes: Any) -> "ShowRecord":
        """The next revision of this record, with `changes`."""
        return msgspec.structs.replace(self, revision=self.revision + 1, **changes)

    def with_canvas(self, canvas: CanvasId, record: CanvasRecord) -> "ShowRecord":
        return self.but(canvases={**self.canvases, canvas: record})

    def with_feed(self, feed: FeedId, record: FeedRecord) -> "ShowRecord":
        return self.but(feeds={**self.feeds, feed: record})

    def without_feed(self, feed: FeedId) -> "ShowRecord":
        return self.but(feeds={key: kept for key, kept in self.feeds.items() if key != feed})

    def with_target(self, target: TargetId, record: TargetRecord) -> "ShowRecord":
        return self.but(targets={**self.targets, target: record})

    def without_target(self, target: TargetId) -> "ShowRecord":
        kept = {key: record for key, record in self.targets.items() if key != target}
        return self.but(targets=kept)

    def with_asset(self, asset: AssetId, record: AssetRecord) -> "ShowRecord":
        return self.but(assets={**self.assets, asset: record})

    def without_asset(self, asset: AssetId) -> "ShowRecord":
        return self.but(assets={key: kept for key, kept in self.assets.items() if key != asset})

    def at_rest(self) -> "ShowRecord":
        """The same show off air, at the same revision."""
        return msgspec.structs.replace(
            self,
            on_air=False,
            interrupted=False,
            canvases={
                key: msgspec.structs.replace(canvas, recording=False)
                for key, canvas in self.canvases.items()
            },
            targets={
                key: msgspec.structs.replace(record, wanted=False)
                for key, record in self.targets.items()
            },
        )

    def unheld(self) -> "ShowRecord":
        """The same show as it is when no server has it on air: interrupted, if one had."""
        if not self.on_air and not self.interrupted:
            return self.at_rest()
        return msgspec.structs.replace(self, on_air=False, interrupted=True)

    def wanted(self) -> list[TargetId]:
        """The targets that are to be live."""
        return [key for key, target in self.targets.items() if target.wanted]

    def admitted(self) -> list[FeedId]:
        """The admitted feeds in the order of their admission."""
        order = {
            key: feed.admitted_at
            for key, feed in self.feeds.items()
            if feed.admitted_at is not None
        }
        return sorted(order, key=order.__getitem__)


class UnreadableRecord(ShopcastError):
    """A stored show that this version of the server does not understand."""


def to_json(record: ShowRecord) -> bytes:
    return msgspec.json.encode(record)


def from_json(document: bytes) -> ShowRecord:
    """Raises UnreadableRecord."""
    try:
        record = msgspec.json.decode(document, type=ShowRecord)
    except msgspec.DecodeError as error:
        raise UnreadableRecord(f"a stored show cannot be read: {error}") from error
    if record.version > SCHEMA_VERSION:
        raise UnreadableRecord(
            f"show {record.id} was stored by a newer server (schema {record.version}, "
            f"this one knows {SCHEMA_VERSION})"
        )
    return record
