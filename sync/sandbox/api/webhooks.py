"""Where webhooks go."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from sync.sandbox.call import Call
from sync.sandbox.errors import Refused
from sync.sandbox.sellers import Subscription
from sync.sandbox.wire import EVENT_TYPES, OTHER_EVENTS, Code

LONGEST_ADDRESS = 255


class PutBody(msgspec.Struct, frozen=True):
    address: str = ""
    event_type: str = ""


class DeleteBody(msgspec.Struct, frozen=True):
    event_type: str = ""


def get(call: Call) -> Any:
    webhooks = [
        {
            "address": each.address,
            "create_time": each.create_time,
            "event_type": event_type,
            "update_time": each.update_time,
        }
        for event_type, each in call.shop.webhooks.items()
    ]
    return {"total_count": len(webhooks), "webhooks": webhooks}


def put(call: Call) -> Any:
    body = call.json(PutBody)
    _check_event(body.event_type)
    if not _is_address(body.address):
        raise Refused(Code.INVALID, "`address` must be an http or https URL, not too long.")
    now = call.world.clock.seconds()
    before = call.shop.webhooks.get(body.event_type)
    created = before.create_time if before is not None else now
    call.shop.webhooks[body.event_type] = Subscription(body.address, created, now)
    return {}


def delete(call: Call) -> Any:
    body = call.json(DeleteBody)
    _check_event(body.event_type)
    call.shop.webhooks.pop(body.event_type, None)
    return {}


def _check_event(name: str) -> None:
    if name not in EVENT_TYPES and name not in OTHER_EVENTS:
        raise Refused(Code.INVALID, f"`event_type` {name!r} is not known.")


def _is_address(text: str) -> bool:
    if len(text) > LONGEST_ADDRESS:
        return False
    try:
        address = urlsplit(text)
    except ValueError:
        return False
    return address.scheme in ("http", "https") and bool(address.hostname)
