"""What goes wrong with TikTok Shop, drawn as a tree; whose fault it is, is in the type.

TikTokError
├── RateLimited            too many requests of this kind, also after patient tries: later
├── TikTokUnavailable      no answer, or none that says anything: later
├── Unreadable             an answer lacks what nothing can be done without: TikTok has changed
├── NotAuthorized          the seller has to connect the shop again
│   ├── TokenExpired       … the access token is too old (the client renews it once by itself)
│   ├── TokenRefused       … TikTok does not know the access or the refresh token
│   ├── TokenShopMismatch  … the token is good, but for another shop or another kind of user
│   └── CodeRefused        … the code of the consent page is too old, used or unknown
├── ScopeMissing           the app lacks a permission: the seller has to connect it again with it
├── AppRefused             the operator has to act: app_key, app_secret, clock or addresses
│   └── BadSignature       … the signature does not fit: app_secret is wrong
├── Misused                we called the API in a way that it does not know: a fault of this program
└── Refused                TikTok refuses what was sent (validation): final for this request
"""

from sync.errors import SyncError
from sync.secret import MASK, Secret


class TikTokError(SyncError):
    """A request that came to nothing; `code` is TikTok's, 0 where none came."""

    def __init__(self, message: str, *, code: int = 0, request_id: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        named = [f"code {self.code}"] if self.code else []
        named += [f"request {self.request_id}"] if self.request_id else []
        return f"{self.message} ({', '.join(named)})" if named else self.message

    __repr__ = __str__

    def hide(self, secret: Secret) -> None:
        """Mask `secret` where TikTok has echoed it."""
        self.message = self.message.replace(secret.reveal(), MASK)
        self.args = (self.message,)


class RateLimited(TikTokError):
    """TikTok takes no more requests of this kind for `retry_after_s`, None where it did not say."""

    def __init__(
        self,
        message: str,
        *,
        code: int = 0,
        request_id: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, code=code, request_id=request_id)
        self.retry_after_s = retry_after_s


class TikTokUnavailable(TikTokError):
    """No connection, no answer in time, or one without sense. The request may have been done."""


class Unreadable(TikTokError):
    """The answer lacks something needed. The request was done."""


class NotAuthorized(TikTokError):
    """The seller has to connect the shop again."""


class TokenExpired(NotAuthorized):
    """The access token is too old, and so is the one that it was renewed to."""


class TokenRefused(NotAuthorized):
    """TikTok does not know the token, or the seller has taken it back."""


class TokenShopMismatch(NotAuthorized):
    """The token is good, but not for this shop, or of the wrong kind of user."""


class CodeRefused(NotAuthorized):
    """The code that the consent page gave is older than 30 minutes, used, or unknown."""


class ScopeMissing(TikTokError):
    """The app was not given the permission that this call needs."""


class AppRefused(TikTokError):
    """The operator has to act: app key, app secret, clock, or the addresses allowed to call."""


class BadSignature(AppRefused):
    """The signature does not fit, so the app secret is wrong."""


class Misused(TikTokError):
    """A call that TikTok does not know so: path, version, method or parameters."""


class Refused(TikTokError):
    """TikTok refuses what was sent. Sending it again changes nothing."""
