"""The two sessions joined without a network, and at odds with each other."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.rtmp import amf0, client, server
from mediaserver.rtmp.chunk import ChunkReader, ChunkWriter
from mediaserver.rtmp.client import ClientSession
from mediaserver.rtmp.errors import ProtocolError, WrongState
from mediaserver.rtmp.events import (
    ClientEvent,
    MediaReceived,
    PublishEnded,
    PublishRequested,
    PublishStarted,
    Refused,
    ServerEvent,
)
from mediaserver.rtmp.handshake import SIZE, Handshake
from mediaserver.rtmp.message import (
    Command,
    Message,
    MessageType,
    UserControl,
    command,
    parse_command,
    set_peer_bandwidth,
    user_control,
    window_acknowledgement_size,
)
from mediaserver.rtmp.server import ServerSession

KEY = "live_8a2f?sign=secret"


def new_client() -> ClientSession:
    return ClientSession("live", "rtmp://host/live", KEY)


class Link:
    """Carries bytes between a client and a server, `step` at a time, until both are silent."""

    def __init__(self, step: int = 1 << 20) -> None:
        self.client = new_client()
        self.server = ServerSession()
        self.client_events: list[ClientEvent] = []
        self.server_events: list[ServerEvent] = []
        self._step = step

    def settle(self) -> None:
        while True:
            up, down = self.client.data_to_send(), self.server.data_to_send()
            if not up and not down:
                return
            for start in range(0, len(up), self._step):
                self.server_events += self.server.receive(up[start : start + self._step])
            for start in range(0, len(down), self._step):
                self.client_events += self.client.receive(down[start : start + self._step])

    def go_live(self) -> None:
        self.settle()
        self.server.accept()
        self.settle()


@pytest.mark.parametrize("step", [1, 10, 1 << 20])
def test_client_publishes_to_server(step: int) -> None:
    link = Link(step)
    link.settle()
    assert link.server_events == [PublishRequested("live", KEY)]
    assert link.client_events == []

    link.server.accept()
    link.settle()
    assert link.client_events == [PublishStarted()]
    assert link.client.state is client.State.LIVE

    link.server_events.clear()
    metadata = amf0.encode("@setDataFrame", "onMetaData", {"width": 2})
    for kind, timestamp, payload in (
        ("data", 0, metadata),
        ("video", 0xFFFFFF, bytes(70_000)),
        ("audio", 20, b"\xaf\1"),
    ):
        sent = link.client.media(kind, timestamp, payload)  # type: ignore[arg-type]
        for start in range(0, len(sent), max(step, 1000)):
            link.server_events += link.server.receive(sent[start : start + max(step, 1000)])
    assert link.server_events == [
        MediaReceived("data", 0, metadata),
        MediaReceived("video", 0xFFFFFF, bytes(70_000)),
        MediaReceived("audio", 20, b"\xaf\1"),
    ]

    link.server_events.clear()
    link.client.close()
    link.settle()
    assert link.server_events == [PublishEnded()]


def test_goodbye_is_fcunpublish_then_deletestream() -> None:
    peer = ScriptedServer()
    peer.say(command("_result", 1, {}, {}), command("_result", 4, None, 7))
    peer.say(command("onStatus", 0, None, status("status", "NetStream.Publish.Start")))
    peer.commands()
    peer.session.close()
    peer.listen()
    assert [(c.name, c.arguments) for c in peer.commands()] == [
        ("FCUnpublish", (None, KEY)),
        ("deleteStream", (None, 7.0)),
    ]


def test_rejection_reaches_the_client_with_code_and_words() -> None:
    link = Link()
    link.settle()
    link.server.reject("NetStream.Publish.BadName", "Already publishing")
    link.settle()
    assert link.client_events == [Refused("NetStream.Publish.BadName", "Already publishing")]
    assert link.client.state is client.State.CLOSED
    link.client.close()
    assert link.client.data_to_send() == b""


def test_key_is_in_no_representation() -> None:
    assert "secret" not in repr(PublishRequested("live", KEY))
    assert "secret" not in repr(new_client())


def test_media_before_the_start_is_our_own_mistake() -> None:
    with pytest.raises(WrongState, match="HANDSHAKING"):
        new_client().media("video", 0, b"")


def test_deciding_when_nobody_asked_is_our_own_mistake() -> None:
    with pytest.raises(WrongState, match="NEW"):
        ServerSession().accept()


def test_publisher_may_leave_while_the_application_decides() -> None:
    link = Link()
    link.settle()
    link.client.close()
    link.settle()
    link.server.accept()
    assert link.server.state is server.State.CLOSED
    assert link.client_events == []


class Scripted:
    """The other end of a session, written by hand: it says what it is told to, and no more."""

    def __init__(self, session: ClientSession | ServerSession, *, is_client: bool) -> None:
        self.session = session
        self.events: list[ClientEvent | ServerEvent] = []
        self.heard: list[Message] = []
        self._handshake = Handshake(is_client=is_client)
        self._reader = ChunkReader()
        self._writer = ChunkWriter()
        for _ in range(3):
            data, self._handshake.to_send = self._handshake.to_send, b""
            self.events += session.receive(data)
            self.listen()

    def listen(self) -> None:
        """Take what the session has to send."""
        data = self.session.data_to_send()
        if not self._handshake.complete:
            data = self._handshake.receive(data)
        self.heard += self._reader.receive(data)

    def say(self, *messages: Message) -> None:
        wire = b"".join(self._writer.write(3, message) for message in messages)
        self.events += self.session.receive(wire)
        self.listen()

    def commands(self) -> list[Command]:
        """The commands heard since the last call."""
        heard, self.heard = self.heard, []
        return [parse_command(m) for m in heard if m.type_id == MessageType.COMMAND_AMF0]


class ScriptedServer(Scripted):
    def __init__(self) -> None:
        super().__init__(new_client(), is_client=False)


class ScriptedClient(Scripted):
    def __init__(self) -> None:
        super().__init__(ServerSession(), is_client=True)


def status(level: str, code: str, description: str = "") -> amf0.Value:
    return {"level": level, "code": code, "description": description}


def test_connect_tells_the_server_what_encoders_tell() -> None:
    (connect,) = ScriptedServer().commands()
    assert connect == Command(
        "connect",
        1.0,
        0,
        (
            {
                "app": "live",
                "type": "nonprivate",
                "flashVer": "FMLE/3.0 (compatible; Shopcast)",
                "tcUrl": "rtmp://host/live",
            },
        ),
    )


def test_publishing_goes_through_the_steps_that_servers_expect() -> None:
    peer = ScriptedServer()
    peer.commands()
    peer.say(command("_result", 1, {}, status("status", "NetConnection.Connect.Success")))
    assert [(c.name, c.transaction, c.arguments) for c in peer.commands()] == [
        ("releaseStream", 2.0, (None, KEY)),
        ("FCPublish", 3.0, (None, KEY)),
        ("createStream", 4.0, (None,)),
    ]
    peer.say(command("_result", 4, None, 7))
    assert peer.commands() == [Command("publish", 5.0, 7, (None, KEY, "live"))]
    peer.say(command("onStatus", 0, None, status("status", "NetStream.Publish.Start")))
    assert peer.events == [PublishStarted()]


def test_errors_of_flash_s_extra_commands_are_passed_over() -> None:
    peer = ScriptedServer()
    peer.say(command("_result", 1, {}, {}))
    peer.say(command("_error", 2, None, status("error", "NetConnection.Call.Failed")))
    peer.say(command("onBWDone", 0, None), command("_error", 3, None, None))
    peer.say(command("_result", 4, None, 1))
    peer.say(command("onStatus", 0, None, status("status", "NetStream.Publish.Start")))
    assert peer.events == [PublishStarted()]


@pytest.mark.parametrize("transaction", [1, 4, 5])
def test_error_answers_end_the_session(transaction: int) -> None:
    peer = ScriptedServer()
    peer.say(
        command(
            "_error", transaction, None, status("error", "NetConnection.Connect.Rejected", "why")
        )
    )
    assert peer.events == [Refused("NetConnection.Connect.Rejected", "why")]


def test_error_status_while_live_ends_the_session() -> None:
    link = Link()
    link.go_live()
    writer = ChunkWriter()
    writer.set_chunk_size(65_536)
    wire = writer.write(5, command("onStatus", 0, None, status("error", "NetStream.Failed")))
    assert link.client.receive(wire) == [Refused("NetStream.Failed", "")]
    with pytest.raises(WrongState, match="CLOSED"):
        link.client.media("audio", 0, b"")


def test_answers_out_of_turn_are_passed_over() -> None:
    peer = ScriptedServer()
    peer.say(command("onStatus", 0, None, status("status", "NetStream.Publish.Start")))
    peer.say(command("_result", 4, None, 1))
    assert peer.events == []
    assert isinstance(peer.session, ClientSession)
    assert peer.session.state is client.State.CONNECTING


def test_pings_are_answered() -> None:
    peer = ScriptedServer()
    peer.say(user_control(UserControl.PING_REQUEST, 4711))
    assert peer.heard[-1:] == [user_control(UserControl.PING_RESPONSE, 4711)]


def test_received_bytes_are_acknowledged_once_a_window() -> None:
    peer = ScriptedServer()
    peer.say(window_acknowledgement_size(100), set_peer_bandwidth(5000))
    assert peer.heard[-1:] == [window_acknowledgement_size(5000)]
    peer.say(Message(MessageType.AUDIO, 1, 0, bytes(100)))
    assert peer.heard[-1].type_id == MessageType.ACKNOWLEDGEMENT
    assert int.from_bytes(peer.heard[-1].payload) == 16 + 17 + 112
    count = len(peer.heard)
    peer.say(Message(MessageType.AUDIO, 1, 0, bytes(10)))
    assert len(peer.heard) == count


def test_server_answers_what_encoders_ask_before_they_publish() -> None:
    peer = ScriptedClient()
    peer.say(command("connect", 1, {"app": "live?x=1"}))
    (result,) = peer.commands()
    assert (result.name, result.transaction) == ("_result", 1.0)
    assert result.members(1)["code"] == "NetConnection.Connect.Success"
    peer.say(
        command("releaseStream", 2, None, "key"),
        command("FCPublish", 3, None, "key"),
        command("createStream", 4, None),
        command("_checkbw", 5, None),
    )
    assert [(c.name, c.transaction, c.arguments) for c in peer.commands()] == [
        ("_result", 2.0, (None, None)),
        ("onFCPublish", 0.0, (None, {"code": "NetStream.Publish.Start"})),
        ("_result", 4.0, (None, 1.0)),
        ("_result", 5.0, (None, None)),
    ]
    peer.say(command("publish", 0, None, "key", "live", stream_id=1))
    assert peer.events == [PublishRequested("live?x=1", "key")]


def test_server_takes_commands_and_data_in_their_amf3_wrapping() -> None:
    peer = ScriptedClient()
    connect = amf0.encode("connect", 1, {"app": "live"})
    peer.say(Message(MessageType.COMMAND_AMF3, 0, 0, b"\0" + connect))
    peer.say(command("publish", 0, None, "key"))
    assert isinstance(peer.session, ServerSession)
    peer.session.accept()
    peer.say(Message(MessageType.DATA_AMF3, 1, 0, b"\0" + amf0.encode("onTextData")))
    assert peer.events[1:] == [MediaReceived("data", 0, amf0.encode("onTextData"))]


def test_media_of_who_was_not_accepted_is_passed_over() -> None:
    peer = ScriptedClient()
    peer.say(command("connect", 1, {"app": "live"}))
    peer.say(Message(MessageType.VIDEO, 1, 0, b"\x17\1"))
    assert peer.events == []


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([command("createStream", 1, None)], "createStream before connect"),
        ([command("connect", 1, {}), command("connect", 2, {})], "connect has no place here"),
        (
            [command("connect", 1, {}), *[command("publish", 0, None, "key")] * 2],
            "publish has no place here",
        ),
        ([Message(MessageType.COMMAND_AMF0, 0, 0, amf0.encode(1, 2))], "without a name"),
    ],
)
def test_publisher_out_of_order_is_refused(messages: list[Message], reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        ScriptedClient().say(*messages)


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_hostile_bytes_raise_nothing_but_protocol_error(
    data: bytes, to_client: bool, shaken: bool
) -> None:
    session: ClientSession | ServerSession = new_client() if to_client else ServerSession()
    if shaken:
        session.receive(bytes((3,)) + bytes(2 * SIZE))
    with suppress(ProtocolError):
        for byte in data:
            session.receive(bytes((byte,)))


ARGUMENTS: list[amf0.Value] = [None, "key", float("inf"), {"level": "error"}]


@given(
    st.lists(
        st.builds(
            Message,
            st.sampled_from([*MessageType, 99]),
            st.integers(0, 2),
            st.integers(0, 100),
            st.binary(max_size=40)
            | st.sampled_from(
                [
                    amf0.encode(name, number, None, argument)
                    for name in ("connect", "publish", "_result", "onStatus", "deleteStream")
                    for number in (0, 1, 4)
                    for argument in ARGUMENTS
                ]
            ),
        ),
        max_size=8,
    ),
    st.booleans(),
)
def test_hostile_messages_raise_nothing_but_protocol_error(
    messages: list[Message], to_client: bool
) -> None:
    peer = ScriptedServer() if to_client else ScriptedClient()
    with suppress(ProtocolError):
        peer.say(*messages)


def test_peer_of_another_protocol_is_told_apart_by_its_first_byte() -> None:
    with pytest.raises(ProtocolError, match="the server does not speak RTMP"):
        new_client().receive(b"HTTP/1.1 400 Bad Request")
    with pytest.raises(ProtocolError, match="the publisher does not speak RTMP"):
        ServerSession().receive(b"GET / HTTP/1.1")


def test_handshake_gives_back_what_follows_it() -> None:
    handshake = Handshake(is_client=False, random_bytes=bytes)
    c1 = bytes(range(256)) * 6
    assert handshake.receive(b"\3" + c1) == b""
    assert handshake.to_send == b"\3" + bytes(SIZE) + c1
    assert not handshake.complete
    assert handshake.receive(bytes(SIZE) + b"connect") == b"connect"
    assert handshake.complete
