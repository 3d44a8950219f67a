"""One call that has passed the gateway, as its handler sees it."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from sync.sandbox.errors import Refused
from sync.sandbox.sellers import Shop
from sync.sandbox.tokens import Authorization
from sync.sandbox.wire import Code, Endpoint
from sync.sandbox.world import Market, World

T = TypeVar("T")

MOST_PER_PAGE = 100


class PageToken(msgspec.Struct, frozen=True):
    """Where a page begins: behind `key`, the time and the id of the last one; `seen` came before,
    of `total`. `filters` tells a token of another search."""

    filters: str
    key: tuple[int, str]
    seen: int
    total: int


@dataclass
class Call:
    """`id` is the path's; `form` the parts of a multipart body; `market` is None for the calls
    that are of no shop."""

    world: World
    endpoint: Endpoint
    id: str
    query: Mapping[str, str]
    body: bytes
    form: Mapping[str, bytes]
    authorization: Authorization
    of: Market | None

    @property
    def market(self) -> Market:
        assert self.of is not None, f"{self.endpoint.name} is of no shop"
        return self.of

    @property
    def shop(self) -> Shop:
        return self.market.shop

    @property
    def owner(self) -> str:
        """Whose images these are."""
        return self.authorization.seller.open_id

    def json(self, kind: type[T]) -> T:
        """The body. Raises Refused."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=kind)
        except msgspec.ValidationError as error:
            raise Refused(Code.INVALID, f"Invalid parameter in the body: {error}") from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Refused(Code.BAD_FORMAT, "The body is not JSON.") from error

    def page_size(self, default: int | None = None) -> int:
        """Raises Refused unless it is from 1 to 100; None as default: it must be sent."""
        text = self.query.get("page_size")
        if text is None and default is not None:
            return default
        if text is None or not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_PER_PAGE:
            raise Refused(Code.INVALID, f"`page_size` must be from 1 to {MOST_PER_PAGE}.")
        return int(text)

    def page_token(self, filters: str) -> PageToken | None:
        """Where the page asked for begins, None at the start. Raises Refused."""
        text = self.query.get("page_token")
        if not text:
            return None
        try:
            token = msgspec.json.decode(base64.b64decode(text, validate=True), type=PageToken)
        except (ValueError, msgspec.DecodeError) as error:
            raise Refused(Code.INVALID, "`page_token` is not one that was given.") from error
        if token.filters != filters:
            raise Refused(Code.INVALID, "`page_token` is of another search.")
        return token


def opaque(token: PageToken) -> str:
    return base64.b64encode(msgspec.json.encode(token)).decode()


def fingerprint(*filters: Any) -> str:
    """Tells searches apart."""
    return hashlib.sha256(msgspec.json.encode(filters)).hexdigest()[:12]
