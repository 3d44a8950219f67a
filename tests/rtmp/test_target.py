"""A target's life: what its status says, when it tries again, how it ends."""

import asyncio
import logging

import pytest

from mediaserver.packet import TargetId
from mediaserver.rtmp.publisher import Timeouts
from mediaserver.target import SETTLED_S, Status, Target, TargetStatus
from sync.secret import Secret
from tests.peers.certificates import Authority
from tests.peers.rtmp_record import TIMEOUT_S, RtmpRecord
from tests.peers.rtmp_scripted import rtmp_close_after, rtmp_stall
from tests.peers.rtmp_silent import rtmp_silent
from tests.peers.tcp import free_ports
from tests.rtmp.conftest import Channel, MakeTarget, Watched
from tests.rtmp.simulated import SimulatedTime


@pytest.mark.parametrize(
    ("url", "key", "reason"),
    [
        ("rtmp://host/live", None, "stream key missing"),
        ("rtmp://host/live", " ", "stream key missing"),
        ("rtmp://host/live", Secret(""), "stream key missing"),
        (None, None, "stream key missing"),
        (None, "key", "server URL missing"),
    ],
)
async def test_target_without_url_or_key_is_idle_and_says_so(
    channel: Channel, time: SimulatedTime, url: str | None, key: Secret | str | None, reason: str
) -> None:
    changes: list[TargetStatus] = []
    target = Target(
        TargetId("t"), url, key, fanout=channel.fanout, clock=time, on_change=changes.append
    )
    target.start()
    await target.stop()
    assert target.snapshot() == TargetStatus("idle", 1000.0, 0, reason, 0, 0, 0)
    assert changes == []


async def test_unusable_address_is_rejected_with_the_reason(start: MakeTarget) -> None:
    watched = start("https://host/live")
    rejected = await watched.until("rejected")
    assert rejected.reason == "the address must begin with rtmp:// or rtmps://"


async def test_live_target_sends_metadata_then_headers_then_media_from_zero(
    rtmp_record: RtmpRecord, channel: Channel, time: SimulatedTime, start: MakeTarget
) -> None:
    channel.play(40)
    watched = start(f"{rtmp_record.url}?x=1", "key?sign=1%2F2")
    live = await watched.until("live")
    assert live == TargetStatus("live", 1000.0, 0, None, live.bytes_sent, 0, 0)
    time.advance(1)
    packets = channel.play(100)
    await watched.target.stop()
    recording = await rtmp_record.recording()
    await recording.until_ended()

    # It joined in the middle of a GOP: it begins with the next keyframe, and sound from there on.
    begin = next(p for p in packets if p.kind == "video" and p.is_keyframe)
    sent = [p for p in packets[packets.index(begin) :] if p.dts >= begin.dts]
    assert (recording.app, recording.key) == ("live?x=1", "key?sign=1%2F2")
    assert recording.is_clean
    assert [m.kind for m in recording.media[:3]] == ["data", "video", "audio"]
    assert recording.media[0].payload == channel.fanout.metadata
    assert [(m.kind, m.timestamp_ms, m.payload) for m in recording.media[3:]] == [
        (p.kind, (p.dts - begin.dts) // 90, p.payload) for p in sent
    ]
    stopped = watched.history[-1]
    assert (stopped.status, stopped.since) == ("stopped", 1001.0)
    assert stopped.frames_sent == sum(p.kind == "video" for p in sent)
    assert stopped.frames_dropped == 0
    assert stopped.bytes_sent > sum(len(m.payload) for m in recording.media)


async def test_delays_double_to_half_a_minute(time: SimulatedTime, start: MakeTarget) -> None:
    watched = start(f"rtmp://127.0.0.1:{free_ports(1)[0]}/live")
    for count in range(1, 8):
        assert (await watched.until("retrying", count)).retries == count
        await time.pass_next_sleep()
    assert time.delays_s[:7] == [1, 2, 4, 8, 16, 30, 30]
    # It is retrying since its first failure, though it tries to connect in between.
    assert watched.statuses == ["connecting", *["retrying"] * 7]
    assert watched.history[-1].since == 1000.0


async def test_jitter_takes_off_up_to_half_of_a_delay(
    time: SimulatedTime, start: MakeTarget
) -> None:
    watched = start(f"rtmp://127.0.0.1:{free_ports(1)[0]}/live", rng=lambda: 0.5)
    for count in (1, 2):
        await watched.until("retrying", count)
        await time.pass_next_sleep()
    assert time.delays_s[:2] == [0.75, 1.5]


async def test_delays_begin_again_once_the_target_has_been_live_for_a_while(
    channel: Channel, time: SimulatedTime, start: MakeTarget
) -> None:
    async with rtmp_close_after(messages=10) as url:
        watched = start(url)
        for count, lasts_s in enumerate((6, 6, SETTLED_S, 6), start=1):
            await watched.until("live", count)
            time.advance(lasts_s)
            channel.play_all()
            await watched.until("retrying", count)
            await time.pass_next_sleep()
    assert time.delays_s[:4] == [1, 2, 1, 2]
    assert watched.history[-1].retries >= 4


async def test_counters_go_on_over_a_reconnection_and_begin_again_with_a_start(
    channel: Channel, time: SimulatedTime, start: MakeTarget
) -> None:
    async with rtmp_close_after(messages=10) as url:
        watched = start(url)
        await watched.until("live")
        time.advance(6)
        channel.play_all()
        first = await watched.until("retrying")
        await time.pass_next_sleep()
        await watched.until("live", 2)
        time.advance(6)
        channel.play_all()
        second = await watched.until("retrying", 2)
        await watched.target.stop()
        watched.target.start()
        again = await watched.until("connecting", 2)
    assert second.frames_sent > first.frames_sent > 0
    assert second.bytes_sent > first.bytes_sent > 0
    assert again == TargetStatus("connecting", again.since, 0, None, 0, 0, 0)


async def test_target_is_live_once_its_connection_has_lasted_for_a_moment(
    rtmp_record: RtmpRecord, channel: Channel, time: SimulatedTime, start: MakeTarget
) -> None:
    watched = start(rtmp_record.url, trial_s=0.25)
    recording = await rtmp_record.recording()
    async with asyncio.timeout(TIMEOUT_S):
        while not recording.pictures:
            channel.play(10)
            await asyncio.sleep(0)
    assert watched.statuses == ["connecting"]
    await time.pass_next_sleep()
    assert (await watched.until("live")).since == 1000.25


async def test_target_whose_peer_hangs_up_soon_is_not_live_again_before_it_lasts(
    channel: Channel, time: SimulatedTime, start: MakeTarget
) -> None:
    async with rtmp_close_after(messages=10) as url:
        watched = start(url)
        await watched.until("live")
        channel.play_all()
        await watched.until("retrying")
        for count in (2, 3):
            await time.pass_next_sleep()
            await playing_until(channel, watched, "retrying", count)
        await time.pass_next_sleep()
        assert await time.next_sleep_s() == 5
        await time.pass_next_sleep()
        await watched.until("live", 2)
    assert watched.statuses[:5] == ["connecting", "live", "retrying", "retrying", "retrying"]
    assert {status.reason for status in watched.history[2:5]} == {
        "the server closed the connection right after the start; is the stream key right?"
    }


async def test_stop_in_a_trial_is_clean(rtmp_record: RtmpRecord, start: MakeTarget) -> None:
    watched = start(rtmp_record.url, trial_s=0.25)
    recording = await rtmp_record.recording()
    await stopped_in_time(watched.target)
    await recording.until_ended()
    assert recording.is_clean
    assert watched.statuses == ["connecting", "stopped"]


async def test_stop_while_connecting_waits_for_nobody(start: MakeTarget) -> None:
    async with rtmp_silent() as url:
        watched = start(url)
        await watched.until("connecting")
        await stopped_in_time(watched.target)
    assert watched.statuses == ["connecting", "stopped"]


async def test_stop_while_waiting_for_the_next_attempt_is_at_once(start: MakeTarget) -> None:
    watched = start(f"rtmp://127.0.0.1:{free_ports(1)[0]}/live")
    await watched.until("retrying")
    await stopped_in_time(watched.target)
    assert watched.statuses == ["connecting", "retrying", "stopped"]


@pytest.mark.parametrize("secure", [False, True])
async def test_stop_is_bounded_even_if_the_peer_has_stalled(
    channel: Channel, start: MakeTarget, authority: Authority, secure: bool
) -> None:
    tls = authority.serving("localhost") if secure else None
    async with rtmp_stall(messages=1, tls=tls) as url:
        timeouts = Timeouts(stall_s=60, close_s=0.1)
        watched = start(url, timeouts=timeouts, tls=authority.trusting())
        await watched.until("live")
        while watched.target.snapshot().frames_dropped == 0:
            channel.play(10)
            await asyncio.sleep(0)
        await stopped_in_time(watched.target)
    assert watched.statuses == ["connecting", "live", "stopped"]
    assert channel.fanout.readers == 0


async def test_a_target_whose_goodbye_is_not_waited_for_is_stopped_all_the_same(
    channel: Channel, start: MakeTarget
) -> None:
    async with rtmp_stall(messages=1) as url:
        watched = start(url, timeouts=Timeouts(stall_s=60, close_s=TIMEOUT_S))
        await watched.until("live")
        while watched.target.snapshot().frames_dropped == 0:
            channel.play(10)
            await asyncio.sleep(0)
        goodbye = asyncio.ensure_future(watched.target.stop())
        await asyncio.sleep(0)
        assert not goodbye.done()
        goodbye.cancel()
        await asyncio.wait((goodbye,))
        assert watched.statuses == ["connecting", "live", "stopped"]


async def test_start_twice_is_one_target_and_stop_twice_is_one_end(
    rtmp_record: RtmpRecord, start: MakeTarget
) -> None:
    watched = start(rtmp_record.url)
    watched.target.start()
    await watched.until("live")
    await asyncio.gather(watched.target.stop(), watched.target.stop())
    assert len(rtmp_record.recordings) == 1
    assert set(watched.statuses) == {"connecting", "live", "stopped"}


async def test_our_own_error_is_logged_and_retried(
    rtmp_record: RtmpRecord,
    channel: Channel,
    time: SimulatedTime,
    start: MakeTarget,
    caplog: pytest.LogCaptureFixture,
) -> None:
    channel.fanout.metadata = "not bytes"  # type: ignore[assignment]  # the error
    watched = start(rtmp_record.url)
    assert (await watched.until("retrying")).reason == "an error inside this server, see its log"
    assert "target_failed target=target0" in caplog.text
    channel.fanout.metadata = b""
    await time.pass_next_sleep()
    await watched.until("live")


async def test_stream_key_is_in_no_log_and_no_representation(
    rtmp_record: RtmpRecord, start: MakeTarget, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    watched = start(rtmp_record.url, "live_4711")
    await watched.until("live")
    await watched.target.stop()
    said = caplog.text + repr(vars(watched.target)) + repr(watched.history)
    assert "target_status target=target0 status=live" in said
    assert "live_4711" not in said


async def playing_until(channel: Channel, watched: Watched, status: Status, count: int) -> None:
    """Play on until the target has got that status for the `count`-th time."""
    async with asyncio.timeout(TIMEOUT_S):
        while watched.statuses.count(status) < count:
            channel.play(10)
            await asyncio.sleep(0)


async def stopped_in_time(target: Target) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        await target.stop()
