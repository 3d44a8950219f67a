"""What TikTok calls the images that were uploaded to it, by the digest of their bytes."""

from collections.abc import Sequence

from sync.connection import Connection
from sync.store.keys import NOTICES, key
from sync.store.lease import Fence, save_fenced_fields

UPLOADS = key("uploads")


class Uploads:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def uris(self, digests: Sequence[str]) -> dict[str, str]:
        """Those of `digests` that TikTok has."""
        found = await self._connection.fields(UPLOADS, digests)
        return {digest: uri.decode() for digest, uri in found.items()}

    async def add(self, digest: str, uri: str, fence: Fence) -> None:
        """Raises LeaseLost."""
        await save_fenced_fields(self._connection, fence, UPLOADS, {digest: uri}, NOTICES, b"")
