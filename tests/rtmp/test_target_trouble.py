"""Targets at destinations that misbehave, alone and next to good ones."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from mediaserver.packet import EncodedPacket
from mediaserver.rtmp.publisher import Timeouts
from mediaserver.target import Status
from tests.peers.certificates import Authority
from tests.peers.loop_watch import LoopWatch
from tests.peers.rtmp_record import TIMEOUT_S, Recording, RtmpRecord
from tests.peers.rtmp_reject import rtmp_reject
from tests.peers.rtmp_scripted import rtmp_close_after, rtmp_refuse_after, rtmp_stall
from tests.peers.rtmp_silent import rtmp_silent
from tests.peers.tcp import free_ports
from tests.rtmp.conftest import Channel, MakeTarget, Watched
from tests.rtmp.simulated import SimulatedTime

BAD_NAME = "NetStream.Publish.BadName"


async def test_silent_peer_is_retried_with_the_reason(start: MakeTarget) -> None:
    async with rtmp_silent() as url:
        watched = start(url, timeouts=Timeouts(answer_s=0.2))
        assert (await watched.until("retrying")).reason == (
            "the server took the connection, but did not answer within 0.2 s"
        )


@pytest.mark.parametrize("secure", [False, True])
async def test_stalled_peer_is_retried_and_its_backlog_is_dropped_and_counted(
    channel: Channel, start: MakeTarget, authority: Authority, secure: bool
) -> None:
    tls = authority.serving("localhost") if secure else None
    async with rtmp_stall(messages=20, tls=tls) as url:
        watched = start(url, timeouts=Timeouts(stall_s=0.5), tls=authority.trusting())
        await watched.until("live")
        async with asyncio.timeout(TIMEOUT_S):
            while watched.target.status == "live":
                channel.play(10)
                await asyncio.sleep(0)
        retrying = watched.history[-1]
    assert retrying.status == "retrying"
    assert retrying.reason == "the server stopped taking the stream for 0.5 s"
    assert retrying.frames_dropped > 0
    assert channel.fanout.readers == 0


async def test_drops_are_counted_in_the_log(
    channel: Channel,
    start: MakeTarget,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mediaserver.target._DROPS_LOGGED_EVERY_S", 0.01)
    async with rtmp_stall(messages=1) as url:
        await start(url).until("live")
        async with asyncio.timeout(TIMEOUT_S):
            while "target_drops target=target0 frames=" not in caplog.text:
                channel.play(10)
                await asyncio.sleep(0)


async def test_refused_key_is_final_before_the_first_live(start: MakeTarget) -> None:
    async with rtmp_reject(BAD_NAME, "no such stream: key") as url:
        watched = start(url, "key")
        rejected = await watched.until("rejected")
    assert rejected.reason == (
        "the stream key is wrong or already in use (it says: no such stream: ***)"
    )
    assert watched.statuses == ["connecting", "rejected"]


async def test_refusal_right_after_the_start_is_final_before_the_first_live(
    start: MakeTarget, channel: Channel
) -> None:
    async with rtmp_refuse_after(1, BAD_NAME, "who are you?") as url:
        watched = start(url, trial_s=0.25)
        rejected = await watched.until("rejected")
    assert rejected.reason == "the stream key is wrong or already in use (it says: who are you?)"
    assert watched.statuses == ["connecting", "rejected"]
    assert channel.fanout.readers == 0


async def test_refused_target_can_be_started_again(start: MakeTarget) -> None:
    async with rtmp_reject(BAD_NAME, "") as url:
        watched = start(url)
        await watched.until("rejected")
        watched.target.start()
        await watched.until("rejected", 2)


async def test_peer_that_hangs_up_is_connected_to_again(
    channel: Channel, time: SimulatedTime, start: MakeTarget
) -> None:
    async with rtmp_close_after(messages=50) as url:
        watched = start(url)
        await watched.until("live")
        time.advance(6)
        channel.play(60)
        assert (await watched.until("retrying")).reason == "the server closed the connection"
        await time.pass_next_sleep()
        await watched.until("live", 2)
        channel.play_all()
        # Twice within seconds of the start: a wrong key looks like this at some platforms.
        assert (await watched.until("retrying", 2)).reason == (
            "the server closed the connection right after the start; is the stream key right?"
        )


async def test_name_that_does_not_resolve_is_retried(start: MakeTarget) -> None:
    watched = start("rtmp://live.shop.invalid/live")
    reason = (await watched.until("retrying")).reason
    assert reason is not None
    assert "live.shop.invalid" in reason


async def test_refused_connection_is_retried(start: MakeTarget) -> None:
    (port,) = free_ports(1)
    watched = start(f"rtmp://127.0.0.1:{port}/live")
    assert (await watched.until("retrying")).reason == (
        f"the server refused the connection: nothing listens on port {port}"
    )


async def test_bad_targets_cost_good_ones_no_frame_and_the_loop_no_stall(
    channel: Channel, time: SimulatedTime, start: MakeTarget, authority: Authority
) -> None:
    async with AsyncExitStack() as stack:
        good = [await stack.enter_async_context(RtmpRecord()) for _ in range(3)]
        wrong = await stack.enter_async_context(RtmpRecord(authority.serving("live.example.com")))
        peers = {
            "silent": await stack.enter_async_context(rtmp_silent()),
            "stall": await stack.enter_async_context(rtmp_stall(messages=30)),
            "reject": await stack.enter_async_context(rtmp_reject(BAD_NAME, "")),
            "close": await stack.enter_async_context(rtmp_close_after(messages=200)),
            "unknown": "rtmp://live.shop.invalid/live",
            "certificate": wrong.url_of("localhost"),
        }
        watch = await stack.enter_async_context(LoopWatch())
        fine = [start(peer.url) for peer in good]
        bad = {
            name: start(url, timeouts=Timeouts(answer_s=0.5, stall_s=0.5), tls=authority.trusting())
            for name, url in peers.items()
        }
        for watched in (*fine, bad["stall"], bad["close"]):
            await watched.until("live")
        recordings = [await peer.recording() for peer in good]

        # The good ones keep up, so nothing is waiting for them; the bad ones do what they do.
        packets: list[EncodedPacket] = []
        while not all(w.history[-1].status in ("retrying", "rejected") for w in bad.values()):
            packets += channel.play(10)
            for recording in recordings:
                await recording.until_messages(3 + len(packets))
        for watched in fine:
            await watched.target.stop()
        for recording in recordings:
            await recording.until_ended()
        await asyncio.gather(*(watched.target.stop() for watched in bad.values()))

        begin = packets[0].dts
        expected = [((p.dts - begin) // 90, p.payload) for p in packets]
        for recording, watched in zip(recordings, fine, strict=True):
            assert timed(recording) == expected
            assert watched.statuses == ["connecting", "live", "stopped"]
            assert watched.target.snapshot().frames_dropped == 0
    outcomes = {name: last_but_stopped(watched) for name, watched in bad.items()}
    # What a resolver says of such a name depends on whether the machine has a network.
    unknown = outcomes.pop("unknown")
    assert unknown[0] == "retrying"
    assert "live.shop.invalid" in unknown[1]
    assert outcomes == {
        "silent": (
            "retrying",
            "the server took the connection, but did not answer within 0.5 s",
        ),
        "stall": ("retrying", "the server stopped taking the stream for 0.5 s"),
        "reject": ("rejected", "the stream key is wrong or already in use"),
        "close": (
            "retrying",
            "the server closed the connection right after the start; is the stream key right?",
        ),
        "certificate": ("retrying", "the server's certificate is not valid for localhost"),
    }
    assert watch.worst_s < 0.05


def last_but_stopped(watched: Watched) -> tuple[Status, str]:
    status = [status for status in watched.history if status.status != "stopped"][-1]
    return status.status, status.reason or ""


def timed(recording: Recording) -> list[tuple[int, bytes]]:
    """What came, without metadata and headers: timestamp and body."""
    return [(media.timestamp_ms, media.payload) for media in recording.media[3:]]
