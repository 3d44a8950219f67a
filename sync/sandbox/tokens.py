"""Authorizations: codes that live half an hour and work once, and the pairs of tokens of them."""

import secrets

import msgspec

from sync.sandbox.clock import SandboxClock
from sync.sandbox.errors import Refused
from sync.sandbox.sellers import Seller
from sync.sandbox.wire import Code

CODE_LIFETIME_S = 30 * 60
ACCESS_LIFETIME_S = 7 * 24 * 3600
AUTHORIZATION_LIFETIME_S = 365 * 24 * 3600


class Authorization(msgspec.Struct):
    """What a seller has granted; `expires_at` (unix seconds) moves by a new consent only."""

    seller: Seller
    scopes: tuple[str, ...]
    expires_at: int
    revoked: bool = False


class AccessToken(msgspec.Struct):
    authorization: Authorization
    expires_at: int


class Pair(msgspec.Struct, frozen=True):
    access_token: str
    access_token_expire_in: int
    refresh_token: str
    refresh_token_expire_in: int
    authorization: Authorization


class _Code(msgspec.Struct, frozen=True):
    authorization: Authorization
    expires_at: float


class Tokens:
    """A refresh token works once: what it gives replaces it. The access token of before stays
    good until it expires by itself."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, Authorization] = {}
        self.current: dict[str, Authorization] = {}
        """The authorization in force of each seller, by the seller's key."""

    def consent(self, seller: Seller, scopes: tuple[str, ...]) -> str:
        """An auth code of a seller who agreed."""
        expires_at = self._clock.seconds() + AUTHORIZATION_LIFETIME_S
        code = f"TTP_{secrets.token_urlsafe(24)}"
        self._codes[code] = _Code(
            Authorization(seller, scopes, expires_at), self._clock.now() + CODE_LIFETIME_S
        )
        return code

    def redeem(self, code: str) -> Pair:
        """Raises Refused unless `code` is fresh and unused."""
        found = self._codes.pop(code, None)
        if found is None:
            raise Refused(Code.BAD_AUTH_CODE, "The `auth_code` is unknown or was used before.")
        if self._clock.now() >= found.expires_at:
            raise Refused(Code.BAD_AUTH_CODE, "The `auth_code` has expired.")
        self.current[found.authorization.seller.key] = found.authorization
        return self._pair(found.authorization)

    def refresh(self, token: str) -> Pair:
        """Raises Refused unless `token` is the last one given of an authorization in force."""
        authorization = self._refresh.get(token)
        if authorization is None or authorization.revoked:
            raise Refused(
                Code.NO_AUTHORIZATION, "No authorization is found for this `refresh_token`."
            )
        if self._clock.now() >= authorization.expires_at:
            raise Refused(Code.REFRESH_TOKEN_EXPIRED, "The `refresh_token` has expired.")
        del self._refresh[token]
        return self._pair(authorization)

    def authorized(self, token: str | None) -> Authorization:
        """Who `token` speaks for. Raises Refused."""
        found = self._access.get(token or "")
        if found is None or found.authorization.revoked:
            raise Refused(Code.INVALID, "Invalid credentials: `x-tts-access-token` is not known.")
        if self._clock.now() >= found.expires_at:
            raise Refused(Code.TOKEN_EXPIRED, "Expired credentials: `x-tts-access-token`.")
        return found.authorization

    def expire(self) -> int:
        """Let every access token expire now; how many there were."""
        now = self._clock.seconds()
        live = [token for token in self._access.values() if token.expires_at > now]
        for token in live:
            token.expires_at = now
        return len(live)

    def revoke(self, seller: Seller) -> None:
        """End whatever the seller has granted."""
        granted = [token.authorization for token in self._access.values()]
        for authorization in (*granted, *self._refresh.values()):
            if authorization.seller is seller:
                authorization.revoked = True
        self.current.pop(seller.key, None)

    def _pair(self, authorization: Authorization) -> Pair:
        now = self._clock.seconds()
        pair = Pair(
            access_token=f"TTP_{secrets.token_urlsafe(48)}",
            access_token_expire_in=min(now + ACCESS_LIFETIME_S, authorization.expires_at),
            refresh_token=f"TTP_{secrets.token_urlsafe(36)}",
            refresh_token_expire_in=authorization.expires_at,
            authorization=authorization,
        )
        self._access[pair.access_token] = AccessToken(authorization, pair.access_token_expire_in)
        self._refresh[pair.refresh_token] = authorization
        return pair
