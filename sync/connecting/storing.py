"""What TikTok gives once, a pair of tokens, as it rests: sealed, and stored for certain."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sync.errors import StoreUnavailable
from sync.model import Authorization
from sync.secret import Vault
from sync.tiktok.wire import TokenPair

T = TypeVar("T")

STORE_WITHIN_S = 30.0
"""How long a pair is kept at hand for a Redis that is away."""

_AGAIN_S = 0.2


def sealed(pair: TokenPair, vault: Vault) -> Authorization:
    return Authorization(
        access_sealed=vault.seal(pair.access_token),
        refresh_sealed=vault.seal(pair.refresh_token),
        access_expires_at=float(pair.access_token_expires_at),
        refresh_expires_at=float(pair.refresh_token_expires_at),
        scopes=pair.granted_scopes or (),
        seller_name=pair.seller_name or "",
        open_id=pair.open_id or "",
    )


async def patiently(store: Callable[[], Awaitable[T]], within_s: float = STORE_WITHIN_S) -> T:
    """What `store` answers, tried again while Redis is away. Raises StoreUnavailable at last."""
    loop = asyncio.get_running_loop()
    give_up_s = loop.time() + within_s
    while True:
        try:
            return await store()
        except StoreUnavailable:
            if loop.time() >= give_up_s:
                raise
        await asyncio.sleep(_AGAIN_S)
