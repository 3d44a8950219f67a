"""What the outside sees of a show: plain JSON, the same in answers and in events."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from mediaserver.advice import Advice
from mediaserver.feed import Feed
from mediaserver.levels import Level, Levels, decibels
from mediaserver.packet import AssetId, CanvasId, FeedId, TargetId
from mediaserver.program import ProgramStats
from mediaserver.recording import RecordingStatus
from mediaserver.recordings import RecordedFile
from mediaserver.state import AssetRecord, CanvasRecord, FeedRecord, ShowRecord, TargetRecord
from mediaserver.target import TargetStatus
from mediaserver.wanted import Wanted

View = dict[str, Any]

_SILENCE_DB = -120.0


def show_view(record: ShowRecord, holder: str | None) -> View:
    """The show itself. `holder` names another server that has it on air."""
    return {
        "id": record.id,
        "title": record.title,
        "starts_at": time_view(record.starts_at),
        "channels": list(record.channels),
        "status": _status(record, holder),
        "server": holder,
        "started_at": time_view(record.started_at),
        "ended_at": time_view(record.ended_at),
    }


def _status(record: ShowRecord, holder: str | None) -> str:
    if holder:
        return "on_air_elsewhere"
    if record.on_air:
        return "on_air"
    return "interrupted" if record.interrupted else "idle"


def canvas_view(
    canvas_id: CanvasId,
    canvas: CanvasRecord,
    stats: ProgramStats | None,
    recording: RecordingStatus | None,
) -> View:
    """`stats` is None while nobody wants the canvas, `recording` of one that was not recorded."""
    return {
        "id": canvas_id,
        "width": canvas.width,
        "height": canvas.height,
        "fps": canvas.fps,
        "video_bitrate": canvas.video_bitrate,
        "layout": canvas.layout,
        "overlays": list(canvas.overlays),
        "program": program_view(stats) if stats else None,
        "recording": recording_view(recording) if recording else None,
    }


def recording_view(status: RecordingStatus) -> View:
    return {
        "status": status.status,
        "since": time_view(status.since),
        "file": status.file,
        "parts": status.parts,
        "bytes_written": status.bytes_written,
        "frames_dropped": status.frames_dropped,
        "reason": status.reason,
    }


def recorded_file_view(file: RecordedFile, is_growing: bool) -> View:
    return {
        "name": file.name,
        "canvas": file.canvas,
        "bytes": file.size,
        "changed_at": time_view(file.changed_at),
        "recording": is_growing,
    }


def program_view(stats: ProgramStats) -> View:
    return {
        "frames": stats.frames,
        "late_ticks": stats.late_ticks,
        "fps": round(stats.fps, 2),
    }


def feed_view(feed_id: FeedId, record: FeedRecord, feed: Feed, wanted: Wanted | None) -> View:
    """`wanted` is None while nobody shows the feed."""
    stats = feed.stats()
    return {
        "id": feed_id,
        "name": record.name,
        "state": feed.state(),
        "connected": feed.source is not None,
        "contender": feed.contender is not None,
        "admitted": record.admitted_at is not None,
        "gain_db": record.gain_db,
        "muted": record.muted,
        "solo": record.solo,
        "width": stats.width,
        "height": stats.height,
        "delay_ms": round(stats.delay_s * 1000),
        "skew_ms": None if stats.skew_s is None else round(stats.skew_s * 1000),
        "wanted": wanted and wanted_view(wanted),
    }


def wanted_view(wanted: Wanted) -> View:
    return {
        "width": wanted.width,
        "height": wanted.height,
        "max_bitrate_bps": wanted.max_bitrate_bps,
    }


def levels_view(levels: Levels) -> View:
    """Tenths of a decibel; None is silence."""
    loudness = levels.loudness
    return {
        "feeds": {feed_id: _level_view(level) for feed_id, level in levels.feeds.items()},
        "master": _level_view(levels.master),
        "loudness": {
            "momentary_lufs": _tenths(loudness.momentary),
            "short_term_lufs": _tenths(loudness.short_term),
            "integrated_lufs": _tenths(loudness.integrated),
        },
    }


def _level_view(level: Level) -> View:
    return {
        "peak_dbfs": _tenths(decibels(level.peak)),
        "rms_dbfs": _tenths(decibels(level.rms)),
    }


def _tenths(level: float) -> float | None:
    return round(level, 1) if level > _SILENCE_DB else None


def asset_view(asset_id: AssetId, record: AssetRecord) -> View:
    """`width` and `height`, in pixels, are None of a font."""
    return {
        "id": asset_id,
        "name": record.name,
        "kind": record.kind,
        "content_type": record.content_type,
        "bytes": record.size,
        "width": record.width,
        "height": record.height,
    }


def target_view(
    target_id: TargetId,
    record: TargetRecord,
    status: TargetStatus | None,
    since: float | None,
    lacks: str | None,
    warnings: Iterable[Advice],
) -> View:
    """`status`, and `since` in unix seconds, are None of a target that was not started; `lacks`
    says what it needs first."""
    counters: Mapping[str, Any] = {
        "status": status.status if status else "idle",
        "since": time_view(since),
        "retries": status.retries if status else 0,
        "reason": (status.reason if status else None) or lacks,
        "bytes_sent": status.bytes_sent if status else 0,
        "frames_sent": status.frames_sent if status else 0,
        "frames_dropped": status.frames_dropped if status else 0,
    }
    return {
        "id": target_id,
        "name": record.name,
        "platform": record.platform,
        "canvas": record.canvas,
        "url": record.url,
        "has_stream_key": record.sealed_key is not None,
        "max_video_bitrate": record.max_video_bitrate,
        **counters,
        "warnings": [{"code": each.code, "detail": each.detail} for each in warnings],
    }


def time_view(unix_s: float | None) -> str | None:
    """RFC 3339, UTC, to the millisecond."""
    if unix_s is None:
        return None
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
