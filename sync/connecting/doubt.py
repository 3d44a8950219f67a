"""Doubt that TikTok still lets us in: whoever has some says so, and the keeper sees for itself."""

import msgspec

from sync.model import TIKTOK, ChannelRecord
from sync.store.channel import Channels


async def doubt(channels: Channels, now: float) -> None:
    """A webhook says that the seller has shut us out, or a call was refused as if: such words may
    be of an earlier connection. Raises StoreUnavailable."""

    def doubted(record: ChannelRecord) -> ChannelRecord:
        if not record.is_connected or record.doubted_at is not None:
            return record
        return msgspec.structs.replace(record, doubted_at=now)

    await channels.change(TIKTOK, doubted)
