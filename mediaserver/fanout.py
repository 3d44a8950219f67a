"""Encoded once, read by many: a canvas's packets and the queues of its readers."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from mediaserver.packet import TICKS_PER_S, EncodedPacket, Kind

DEFAULT_LIMIT_S = 2.0
"""How far a reader may fall behind before it loses frames."""


class Fanout:
    """One canvas's packets for any number of readers; to be used on the loop's thread only.

    `metadata` is the body of the onMetaData message that readers send before anything else.
    """

    def __init__(self, metadata: bytes = b"") -> None:
        self.metadata = metadata
        self._headers: dict[Kind, EncodedPacket] = {}
        self._queues: tuple[PacketQueue, ...] = ()

    def publish(self, *packets: EncodedPacket) -> None:
        """Give `packets` to every reader; headers are remembered for those who come later."""
        for packet in packets:
            if packet.is_header:
                self._headers[packet.kind] = packet
        for queue in self._queues:
            queue.put(*packets)

    def subscribe(
        self, on_packet: Callable[[], None] | None = None, limit_s: float = DEFAULT_LIMIT_S
    ) -> "PacketQueue":
        """A queue that begins with the headers known, then with the next video keyframe.

        `on_packet` is called after packets have come in, for readers that `pop`.
        """
        queue = PacketQueue(self._headers.values(), limit_s, on_packet)
        self._queues += (queue,)
        return queue

    def unsubscribe(self, queue: "PacketQueue") -> None:
        self._queues = tuple(other for other in self._queues if other is not queue)

    @property
    def readers(self) -> int:
        return len(self._queues)


class PacketQueue:
    """One reader's packets, bounded by duration.

    A reader that falls behind by more than the limit goes on at a keyframe: the latest one that
    waits, or else the next to come. Headers are never dropped. `frames_dropped` counts pictures.
    """

    def __init__(
        self,
        headers: Iterable[EncodedPacket] = (),
        limit_s: float = DEFAULT_LIMIT_S,
        on_packet: Callable[[], None] | None = None,
    ) -> None:
        self.frames_dropped = 0
        self._packets = deque(headers)
        self._limit = round(limit_s * TICKS_PER_S)
        self._on_packet = on_packet
        self._waiter: asyncio.Future[None] | None = None
        self._has_begun = False
        self._needs_keyframe = True
        self._begin_dts = 0

    def __len__(self) -> int:
        return len(self._packets)

    def put(self, *packets: EncodedPacket) -> None:
        admitted = [packet for packet in packets if packet.is_header or self._admits(packet)]
        for packet in admitted:
            self._packets.append(packet)
            if len(self._packets) > 1:
                self._bound(packet)
        if not admitted:
            return
        if self._on_packet is not None:
            self._on_packet()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def pop(self) -> EncodedPacket | None:
        """The next packet, if there is one."""
        return self._packets.popleft() if self._packets else None

    async def get(self) -> EncodedPacket:
        """Wait for the next packet; for one reader that gave no `on_packet`."""
        while not self._packets:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._packets.popleft()

    def _admits(self, packet: EncodedPacket) -> bool:
        if not self._needs_keyframe:
            return packet.dts >= self._begin_dts
        if _is_keyframe(packet):
            self._needs_keyframe = False
            self._has_begun = True
            self._begin_dts = packet.dts
            return True
        if self._has_begun:
            self._count_dropped(packet)
        return False

    def _bound(self, latest: EncodedPacket) -> None:
        """Drop what is too much, now that `latest` is in."""
        oldest = self._packets[0]
        if oldest.is_header:
            oldest = next((p for p in self._packets if not p.is_header), latest)
        if latest.is_header or latest.dts - oldest.dts <= self._limit:
            return
        keyframes = [
            index
            for index, packet in enumerate(self._packets)
            if _is_keyframe(packet) and packet is not oldest
        ]
        keep_from = keyframes[-1] if keyframes else len(self._packets)
        kept = deque[EncodedPacket]()
        for index, packet in enumerate(self._packets):
            if index >= keep_from or packet.is_header:
                kept.append(packet)
            else:
                self._count_dropped(packet)
        self._needs_keyframe = not keyframes
        self._packets = kept

    def _count_dropped(self, packet: EncodedPacket) -> None:
        if packet.kind == "video":
            self.frames_dropped += 1


def _is_keyframe(packet: EncodedPacket) -> bool:
    return packet.kind == "video" and packet.is_keyframe and not packet.is_header
