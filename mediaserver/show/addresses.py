"""Where targets are: what they need to be reached, and what may be sent there."""

from mediaserver.advice import Advice, Stream, advice, over_cap, requires_tls
from mediaserver.encoder import AUDIO_BITRATE_BPS
from mediaserver.errors import BadRequest
from mediaserver.rtmp.url import parse_target_url
from mediaserver.state import CanvasRecord, TargetRecord
from sync.errors import UnreadableSecret
from sync.secret import Secret, Vault

_KEY_MISSING = "stream key missing"
_URL_MISSING = "server URL missing"
_KEY_UNREADABLE = "the stored stream key can no longer be read: enter it again"


class Addresses:
    """Reads and seals stream keys with `vault`."""

    def __init__(self, vault: Vault, keyframe_interval_s: float) -> None:
        self._vault = vault
        self._keyframe_interval_s = keyframe_interval_s
        self._readable: dict[str, bool] = {}

    def sealed(self, stream_key: Secret | None) -> str | None:
        """As the key is kept."""
        return self._vault.seal(stream_key) if stream_key else None

    def reachable(self, record: TargetRecord) -> tuple[str, Secret]:
        """The address and the key of a target that lacks nothing."""
        assert record.url is not None
        assert record.sealed_key is not None
        return record.url, self._vault.open(record.sealed_key)

    def lack(self, record: TargetRecord, canvas: CanvasRecord) -> str | None:
        """What the target needs before it can be sent `canvas`, in words."""
        if record.sealed_key is None:
            return _KEY_MISSING
        if record.url is None:
            return _URL_MISSING
        return excess(record, canvas) if self._opens(record.sealed_key) else _KEY_UNREADABLE

    def warnings(self, record: TargetRecord, canvas: CanvasRecord) -> list[Advice]:
        """What the target's platform advises against in `canvas`."""
        stream = Stream(
            width=canvas.width,
            height=canvas.height,
            fps=canvas.fps,
            video_bitrate_bps=canvas.video_bitrate,
            audio_bitrate_bps=AUDIO_BITRATE_BPS,
            keyframe_interval_s=self._keyframe_interval_s,
        )
        return advice(record.platform, record.url, stream)

    def _opens(self, sealed_key: str) -> bool:
        """Whether the vault opens it: tried once, for every view asks."""
        if sealed_key not in self._readable:
            try:
                self._vault.open(sealed_key)
                self._readable[sealed_key] = True
            except UnreadableSecret:
                self._readable[sealed_key] = False
        return self._readable[sealed_key]


def excess(record: TargetRecord, canvas: CanvasRecord) -> str | None:
    """What the target may not be sent of `canvas`, in words."""
    return over_cap(record.max_video_bitrate, canvas.video_bitrate)


def check_url(platform: str, text: str) -> None:
    """Raises BadRequest."""
    url = parse_target_url(text)
    if requires_tls(platform) and not url.secure:
        raise BadRequest(f"{platform} takes rtmps:// addresses only", "url")
