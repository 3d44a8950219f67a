"""LIVE rooms and what was sold in them."""

import msgspec

from sync.sandbox.ids import OrderId, RoomId


class Live(msgspec.Struct):
    """One LIVE; `orders` are those with a unit bought in it. Times are unix seconds."""

    room_id: RoomId
    title: str
    username: str
    start_time: int
    end_time: int | None = None
    orders: set[OrderId] = set()


class Lives:
    """The LIVEs of one shop."""

    def __init__(self) -> None:
        self.by_room: dict[RoomId, Live] = {}

    def began(self, room_id: RoomId, now: int, title: str | None = None) -> Live:
        """The LIVE in `room_id`; one that is not known has begun just now."""
        live = self.by_room.get(room_id)
        if live is None:
            live = Live(room_id, title or f"LIVE {room_id}", "sandbox_shop", now)
            self.by_room[room_id] = live
        return live
