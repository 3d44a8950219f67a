"""Faults on demand: calls that fail, answers that never come, answers whose shape has changed."""

from typing import Any, Literal, TypeVar

import msgspec

FaultKind = Literal[
    "rate_limit",
    "error_500",
    "error_503",
    "internal",
    "timeout",
    "close_before",
    "close_after",
    "hang_after",
    "done_late",
]
"""rate_limit: 429. error_500, error_503: no JSON. internal, timeout: TikTok's codes for them, the
call not done. close_before, close_after: the connection ends before or after the call was done.
hang_after: done, and never answered. done_late: the connection ends, and the call is done LATE_S
later, whatever was done meanwhile."""

LATE_S = 3.0

DONE_BEFORE_FAILING = frozenset({"close_after", "hang_after"})


class Fault(msgspec.Struct):
    """The next `times` calls of `endpoint` (None: of any) fail so, after `skip` that do not."""

    kind: FaultKind
    endpoint: str | None = None
    times: int = 1
    skip: int = 0


class SchemaChange(msgspec.Struct, frozen=True):
    """In the answers of `endpoint` (None: of all) fields are `rename`d wherever they are, and the
    values of the fields in `replace` are others."""

    endpoint: str | None = None
    rename: dict[str, str] = {}
    replace: dict[str, Any] = {}


_OfEndpoint = TypeVar("_OfEndpoint", Fault, SchemaChange)


class Purchase(msgspec.Struct):
    """A purchase that happens right before the `nth` next inventory update of its SKU (of any,
    where `of_any`), or right `after` it; `outcome` says what became of it."""

    sku_id: str
    quantity: int = 1
    nth: int = 1
    room_id: str | None = None
    of_any: bool = False
    after: bool = False
    outcome: str = "waiting"


class Faults:
    def __init__(self) -> None:
        self.calls: list[Fault] = []
        self.schema: list[SchemaChange] = []
        self.purchases: list[Purchase] = []

    def next(self, endpoint: str) -> FaultKind | None:
        """How the call of `endpoint` that is here now is to fail, None if it is not."""
        for fault in _of(self.calls, endpoint):
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.calls.remove(fault)
            return fault.kind
        return None

    def due_purchases(self, sku_ids: set[str], *, after: bool) -> list[Purchase]:
        """The purchases that come right before an update of `sku_ids`, or right `after` it; they
        are due once."""
        due = []
        for purchase in self.purchases:
            if purchase.after != after:
                continue
            if purchase.outcome == "waiting" and (purchase.of_any or purchase.sku_id in sku_ids):
                purchase.nth -= 1
                if purchase.nth <= 0:
                    due.append(purchase)
        return due

    def changed(self, endpoint: str, data: Any) -> Any:
        """`data` of an answer as the schema changes have it."""
        for change in _of(self.schema, endpoint):
            data = _reshaped(data, change)
        return data


def _of(faults: list[_OfEndpoint], endpoint: str) -> list[_OfEndpoint]:
    return [fault for fault in faults if fault.endpoint in (None, endpoint)]


def _reshaped(data: Any, change: SchemaChange) -> Any:
    if isinstance(data, dict):
        return {
            change.rename.get(key, key): change.replace[key]
            if key in change.replace
            else _reshaped(value, change)
            for key, value in data.items()
        }
    if isinstance(data, list):
        return [_reshaped(each, change) for each in data]
    return data
