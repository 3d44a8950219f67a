import asyncio

from hypothesis import given
from hypothesis import strategies as st

from mediaserver.fanout import Fanout, PacketQueue
from mediaserver.packet import EncodedPacket, Kind

FRAME = 3000


def header(kind: Kind) -> EncodedPacket:
    return EncodedPacket(kind, 0, 0, b"header", is_keyframe=True, is_header=True)


def key(frame: int) -> EncodedPacket:
    return EncodedPacket("video", frame * FRAME, 0, b"", is_keyframe=True)


def delta(frame: int) -> EncodedPacket:
    return EncodedPacket("video", frame * FRAME, 0, b"")


def sound(frame: int) -> EncodedPacket:
    return EncodedPacket("audio", frame * FRAME, 0, b"")


def drained(queue: PacketQueue) -> list[EncodedPacket]:
    return [packet for _ in range(len(queue)) if (packet := queue.pop())]


def published(fanout: Fanout, *packets: EncodedPacket) -> None:
    for packet in packets:
        fanout.publish(packet)


def test_late_reader_gets_the_headers_then_starts_at_a_keyframe() -> None:
    fanout = Fanout()
    published(fanout, header("video"), header("audio"), key(0), delta(1))
    queue = fanout.subscribe()
    published(fanout, delta(2), sound(2), key(3), sound(3), delta(4))
    assert drained(queue) == [header("video"), header("audio"), key(3), sound(3), delta(4)]
    assert queue.frames_dropped == 0


def test_sound_from_before_the_first_keyframe_is_left_out() -> None:
    fanout = Fanout()
    queue = fanout.subscribe()
    published(fanout, key(10), sound(9), sound(10))
    assert drained(queue) == [key(10), sound(10)]


def test_new_header_reaches_readers_and_replaces_the_old_one() -> None:
    fanout = Fanout()
    early = fanout.subscribe()
    fresh = EncodedPacket("video", 5, 0, b"fresh", is_header=True)
    published(fanout, header("video"), key(0), fresh)
    assert drained(early) == [header("video"), key(0), fresh]
    assert drained(fanout.subscribe()) == [fresh]


def test_reader_that_falls_behind_goes_on_at_the_next_keyframe() -> None:
    fanout = Fanout()
    published(fanout, header("video"))
    queue = fanout.subscribe(limit_s=1.0)
    published(fanout, key(0), *(delta(n) for n in range(1, 31)))
    assert len(queue) == 32
    published(fanout, delta(31), delta(32), sound(32))
    assert drained(queue) == [header("video")]
    assert queue.frames_dropped == 33
    published(fanout, key(33), delta(34))
    assert drained(queue) == [key(33), delta(34)]
    assert queue.frames_dropped == 33


def test_reader_that_falls_behind_goes_on_at_the_latest_keyframe_that_waits() -> None:
    fanout = Fanout()
    queue = fanout.subscribe(limit_s=1.0)
    published(fanout, key(0), *(delta(n) for n in range(1, 20)), key(20))
    published(fanout, *(delta(n) for n in range(21, 32)))
    assert drained(queue) == [key(20), *(delta(n) for n in range(21, 32))]
    assert queue.frames_dropped == 20


def test_one_reader_s_trouble_is_its_own() -> None:
    fanout = Fanout()
    slow = fanout.subscribe(limit_s=0.5)
    quick = fanout.subscribe(limit_s=0.5)
    received = []
    for frame in range(60):
        fanout.publish(delta(frame) if frame else key(0))
        received += drained(quick)
    assert received == [key(0), *(delta(frame) for frame in range(1, 60))]
    assert slow.frames_dropped == 60


@given(
    st.lists(st.sampled_from([key, delta, sound]), max_size=200),
    st.lists(st.integers(0, 3), min_size=1),
)
def test_queue_stays_bounded_and_every_picture_is_given_out_or_counted(
    kinds: list[type], reads: list[int]
) -> None:
    queue = PacketQueue(limit_s=0.5)
    given_out: list[EncodedPacket] = []
    pictures = 0
    for frame, make in enumerate(kinds):
        packet: EncodedPacket = make(frame)
        pictures += packet.kind == "video" and (pictures > 0 or packet.is_keyframe)
        queue.put(packet)
        assert len(queue) <= 16
        for _ in range(reads[frame % len(reads)]):
            taken = queue.pop()
            if taken is not None:
                given_out.append(taken)
    given_out += drained(queue)
    shown = [packet for packet in given_out if packet.kind == "video"]
    assert len(shown) + queue.frames_dropped == pictures
    assert [packet.dts for packet in given_out] == sorted(packet.dts for packet in given_out)
    # After a gap, pictures begin with a keyframe: nothing undecodable is ever given out.
    for before, after in zip([None, *shown], shown, strict=False):
        gap = before is None or any(
            kinds[frame] is not sound
            for frame in range(before.dts // FRAME + 1, after.dts // FRAME)
        )
        assert after.is_keyframe or not gap


async def test_get_waits_for_a_packet() -> None:
    fanout = Fanout()
    queue = fanout.subscribe()
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    fanout.publish(key(0))
    assert await waiting == key(0)


def test_reader_that_left_gets_no_more() -> None:
    fanout = Fanout()
    queue = fanout.subscribe()
    assert fanout.readers == 1
    fanout.unsubscribe(queue)
    fanout.publish(key(0))
    assert drained(queue) == []
    assert fanout.readers == 0
