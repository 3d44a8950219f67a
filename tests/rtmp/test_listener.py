"""The server's asyncio half, with publishers of other people's making."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import av
import pytest

from mediaserver import flv
from mediaserver.errors import TargetRejected
from mediaserver.packet import EncodedPacket
from mediaserver.rtmp.chunk import MAX_MESSAGE_SIZE
from mediaserver.rtmp.errors import PublishRefused
from mediaserver.rtmp.events import MediaReceived, PublishRequested
from mediaserver.rtmp.handshake import SIZE
from mediaserver.rtmp.listener import Connection, RtmpServer, Sink
from mediaserver.rtmp.message import Message, MessageType, command
from mediaserver.rtmp.publisher import Publisher, publish
from mediaserver.rtmp.recorder import FlvRecorder
from mediaserver.rtmp.server import MAX_UNACCEPTED_SIZE
from mediaserver.rtmp.url import TargetUrl, parse_target_url
from mediaserver.rtmp.wire import Wire
from tests.control.until import until
from tests.peers.rtmp_record import TIMEOUT_S

PACKET_KINDS = {"video": flv.TagType.VIDEO, "audio": flv.TagType.AUDIO}


@asynccontextmanager
async def serving(server: RtmpServer) -> AsyncIterator[RtmpServer]:
    await server.start(port=0)
    try:
        yield server
    finally:
        await server.stop()


async def nobody(_request: PublishRequested, _connection: Connection) -> Sink:
    pytest.fail("nobody was to publish")


async def test_recorder_keeps_what_ffmpeg_publishes(
    media: list[EncodedPacket], tmp_path: Path
) -> None:
    sent, received = tmp_path / "sent.flv", tmp_path / "received.flv"
    with sent.open("wb") as file:
        file.write(flv.file_header())
        for packet in media:
            file.write(flv.tag(PACKET_KINDS[packet.kind], packet.dts // 90, packet.payload))
    with received.open("wb") as file:
        recorder = FlvRecorder(file)
        requests: list[PublishRequested] = []

        async def record(request: PublishRequested, _connection: Connection) -> Sink:
            requests.append(request)
            return recorder

        async with serving(RtmpServer(record)) as server:
            publisher = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.peers.rtmp_libav", "publish", str(sent)),
                f"rtmp://127.0.0.1:{server.port}/live/key?sign=a%2Fb",
            )
            async with asyncio.timeout(TIMEOUT_S):
                await recorder.ended.wait()
            assert await publisher.wait() == 0
    assert recorder.clean
    assert [(request.app, request.key) for request in requests] == [("live", "key?sign=a%2Fb")]
    assert recorder.bytes_received > 0
    with av.open(str(received)) as file_received:
        assert sum(1 for _ in file_received.decode(video=0)) == 120


async def test_application_turns_a_publisher_away_by_code() -> None:
    async def refuse(_request: PublishRequested, _connection: Connection) -> Sink:
        raise PublishRefused("not today", "NetStream.Publish.Denied")

    async with serving(RtmpServer(refuse)) as server:
        with pytest.raises(TargetRejected, match="not today") as rejected:
            await publish(parse_target_url(f"rtmp://127.0.0.1:{server.port}/live"), "key")
    assert rejected.value.code == "NetStream.Publish.Denied"


async def test_who_does_not_publish_in_time_is_dropped() -> None:
    async with serving(RtmpServer(nobody, publish_within_s=0.1)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"\3")
        async with asyncio.timeout(TIMEOUT_S):
            assert await reader.read() == b""
        writer.close()


async def test_publisher_that_falls_silent_is_dropped_without_a_goodbye(tmp_path: Path) -> None:
    with (tmp_path / "received.flv").open("wb") as file:
        recorder = FlvRecorder(file)

        async def record(_request: PublishRequested, _connection: Connection) -> Sink:
            return recorder

        async with serving(RtmpServer(record, silent_for_s=0.1)) as server:
            publisher = await publish(
                parse_target_url(f"rtmp://127.0.0.1:{server.port}/live"), "key"
            )
            async with asyncio.timeout(TIMEOUT_S):
                error = await publisher.failure()
                await recorder.ended.wait()
            await publisher.close()
    assert error.reason == "the server closed the connection"
    assert not recorder.clean


async def test_of_too_many_connections_the_one_that_waits_longest_is_closed() -> None:
    async with serving(RtmpServer(nobody, max_connections=1)) as server:
        first = await asyncio.open_connection("127.0.0.1", server.port)
        second = await asyncio.open_connection("127.0.0.1", server.port)
        async with asyncio.timeout(TIMEOUT_S):
            with contextlib.suppress(ConnectionResetError):
                assert await first[0].read() == b""
        assert len(server.connections) == 1
        for _, writer in (first, second):
            writer.close()


async def test_who_does_not_speak_rtmp_is_dropped() -> None:
    async with serving(RtmpServer(nobody)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        async with asyncio.timeout(TIMEOUT_S):
            assert await reader.read() == b""
        writer.close()


async def test_who_asks_much_and_reads_nothing_is_not_listened_to() -> None:
    wire = Wire(is_client=True)
    wire.handshake.receive(b"\3" + bytes(2 * SIZE))
    wire.send(command("connect", 1, {"app": "live"}))
    opening = wire.data_to_send()
    wire.send(command("_checkbw", 2, None))
    asking = wire.data_to_send() * 1000
    async with serving(RtmpServer(nobody)) as server:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, ("127.0.0.1", server.port))
            await loop.sock_sendall(sock, opening)
            # Once the answers have filled every buffer, the questions are not taken either.
            blocked = 0
            while blocked < 1000:
                try:
                    sock.send(asking)
                    blocked = 0
                except BlockingIOError:
                    blocked += 1
                await asyncio.sleep(0)


class Loud:
    """A sink that is refused at its first message."""

    def __init__(self) -> None:
        self.clean: bool | None = None

    def receive(self, media: MediaReceived) -> None:
        raise PublishRefused("too loud", "NetStream.Publish.Rejected")

    def end(self, *, clean: bool) -> None:
        self.clean = clean


class Quiet:
    """A sink that takes what comes."""

    def receive(self, media: MediaReceived) -> None:
        pass

    def end(self, *, clean: bool) -> None:
        pass


async def welcome(_request: PublishRequested, _connection: Connection) -> Sink:
    return Quiet()


def url_of(server: RtmpServer) -> TargetUrl:
    return parse_target_url(f"rtmp://127.0.0.1:{server.port}/live")


async def test_who_is_sent_away_while_it_sends_can_read_why() -> None:
    sink = Loud()

    async def listen(_request: PublishRequested, _connection: Connection) -> Sink:
        return sink

    async with serving(RtmpServer(listen)) as server:
        publisher = await publish(url_of(server), "key")
        for _ in range(100):
            publisher.send(("video", 0, bytes(10_000)))
        async with asyncio.timeout(TIMEOUT_S):
            error = await publisher.failure()
        await publisher.close()
    assert isinstance(error, TargetRejected)
    assert error.code == "NetStream.Publish.Rejected"
    assert "too loud" in error.reason
    assert sink.clean is False


async def test_who_is_sent_away_and_stays_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediaserver.rtmp.listener.PART_WITHIN_S", 0.1)

    async def refuse(_request: PublishRequested, _connection: Connection) -> Sink:
        raise PublishRefused("no")

    wire = Wire(is_client=True)
    wire.handshake.receive(b"\3" + bytes(2 * SIZE))
    wire.send(command("connect", 1, {"app": "live"}))
    wire.send(command("publish", 2, None, "key", stream_id=1))
    async with serving(RtmpServer(refuse)) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(wire.data_to_send())
        await until(lambda: bool(server.connections))
        await until(lambda: not server.connections)
        writer.close()


async def test_who_publishes_chatter_without_media_is_dropped() -> None:
    async with serving(RtmpServer(welcome, silent_for_s=0.1)) as server:
        publisher = await publish(url_of(server), "key")
        chatting = asyncio.create_task(chatter(publisher))
        async with asyncio.timeout(TIMEOUT_S):
            assert (await publisher.failure()).reason == "the server closed the connection"
        chatting.cancel()
        await publisher.close()


async def chatter(publisher: Publisher) -> None:
    while True:
        publisher.send(("data", 0, b""))
        await asyncio.sleep(0.01)


async def test_large_messages_are_for_those_who_may_publish() -> None:
    wire = Wire(is_client=True)
    wire.handshake.receive(b"\3" + bytes(2 * SIZE))
    wire.send(Message(MessageType.COMMAND_AMF0, 0, 0, bytes(MAX_UNACCEPTED_SIZE + 1)))
    async with serving(RtmpServer(nobody)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(wire.data_to_send())
        async with asyncio.timeout(TIMEOUT_S):
            with contextlib.suppress(ConnectionResetError):
                await reader.read()
        writer.close()

    async with serving(RtmpServer(welcome)) as server:
        publisher = await publish(url_of(server), "key")
        publisher.send(("video", 0, bytes(MAX_MESSAGE_SIZE)))
        publisher.send(("video", 0, bytes(MAX_MESSAGE_SIZE + 1)))
        async with asyncio.timeout(TIMEOUT_S):
            await publisher.failure()
        await publisher.close()


async def test_publishers_are_not_closed_for_those_who_wait() -> None:
    async with serving(RtmpServer(welcome, max_connections=2)) as server:
        publishers = [await publish(url_of(server), "key") for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        async with asyncio.timeout(TIMEOUT_S):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()
        assert [connection.is_publishing for connection in server.connections] == [True, True]
        for publisher in publishers:
            await publisher.close()


async def test_who_leaves_while_it_is_judged_ends_the_judging() -> None:
    judging, judged = asyncio.Event(), asyncio.Event()

    async def judge(_request: PublishRequested, _connection: Connection) -> Sink:
        judging.set()
        try:
            await asyncio.Event().wait()
        finally:
            judged.set()
        return Quiet()

    async with serving(RtmpServer(judge)) as server:
        asking = asyncio.create_task(publish(url_of(server), "key"))
        async with asyncio.timeout(TIMEOUT_S):
            await judging.wait()
            asking.cancel()
            await judged.wait()
        await asyncio.wait([asking])
