"""The receiving half of RTMP, without a socket: bytes in, events out.

Source: RTMP 1.0 §7.2; the Flash Media Live Encoder's extra commands are answered too.
"""

from enum import Enum, auto
from typing import Final

from mediaserver.rtmp.amf0 import Value
from mediaserver.rtmp.chunk import MAX_MESSAGE_SIZE
from mediaserver.rtmp.errors import ProtocolError, WrongState
from mediaserver.rtmp.events import (
    MediaKind,
    MediaReceived,
    PublishEnded,
    PublishRequested,
    ServerEvent,
)
from mediaserver.rtmp.message import (
    Command,
    Message,
    MessageType,
    UserControl,
    amf0_payload,
    command,
    parse_command,
    set_peer_bandwidth,
    user_control,
    window_acknowledgement_size,
)
from mediaserver.rtmp.wire import Wire

WINDOW_SIZE = 2_500_000
"""Bytes between two acknowledgements; what Adobe's server and nginx ask for."""

MAX_UNACCEPTED_SIZE = 64 << 10
"""Bytes of a message before a publisher is accepted: commands take some hundred."""

_STREAM_ID = 1
"""A connection carries one stream, so every createStream names the same."""

_MEDIA: Final[dict[int, MediaKind]] = {
    MessageType.AUDIO: "audio",
    MessageType.VIDEO: "video",
    MessageType.DATA_AMF0: "data",
    MessageType.DATA_AMF3: "data",
}


class State(Enum):
    NEW = auto()
    """Neither the handshake nor connect are done."""
    CONNECTED = auto()
    ASKED = auto()
    """publish has come, the application has not answered yet."""
    PUBLISHING = auto()
    CLOSED = auto()


class Step(Enum):
    CONNECT = auto()
    PUBLISH = auto()
    ACCEPT = auto()
    REJECT = auto()
    UNPUBLISH = auto()
    CLOSE = auto()


TRANSITIONS: Final[dict[tuple[State, Step], State]] = {
    (State.NEW, Step.CONNECT): State.CONNECTED,
    (State.CONNECTED, Step.PUBLISH): State.ASKED,
    (State.ASKED, Step.ACCEPT): State.PUBLISHING,
    (State.ASKED, Step.REJECT): State.CLOSED,
    (State.PUBLISHING, Step.REJECT): State.CLOSED,
    (State.CONNECTED, Step.REJECT): State.CLOSED,
    (State.CONNECTED, Step.UNPUBLISH): State.CONNECTED,
    (State.ASKED, Step.UNPUBLISH): State.CLOSED,
    (State.PUBLISHING, Step.UNPUBLISH): State.CONNECTED,
    (State.CLOSED, Step.ACCEPT): State.CLOSED,
    (State.CLOSED, Step.REJECT): State.CLOSED,
    **{(state, Step.CLOSE): State.CLOSED for state in State},
}
"""Every legal step; any other is the publisher's error, or WrongState where it is ours."""


class ServerSession:
    """The server's side of a connection that somebody publishes on.

    Take `data_to_send()` after every call and send it. After a rejection, close the connection.
    """

    def __init__(self) -> None:
        self._wire = Wire(is_client=False, max_message_size=MAX_UNACCEPTED_SIZE)
        self._state = State.NEW
        self._app = ""

    @property
    def state(self) -> State:
        return self._state

    def data_to_send(self) -> bytes:
        return self._wire.data_to_send()

    def receive(self, data: bytes) -> list[ServerEvent]:
        """Take bytes from the publisher. Raises ProtocolError where they are not RTMP."""
        events: list[ServerEvent] = []
        for incoming in self._wire.receive(data):
            event = self._message(incoming)
            if event is not None:
                events.append(event)
        return events

    def accept(self) -> None:
        """Let the publisher that asked begin. Raises WrongState if none did."""
        self._decide(Step.ACCEPT)
        if self._state is State.PUBLISHING:
            self._wire.allow(MAX_MESSAGE_SIZE)
            self._wire.send_control(user_control(UserControl.STREAM_BEGIN, _STREAM_ID))
            self._send_status("status", "NetStream.Publish.Start", "Publishing")

    def reject(self, code: str, description: str) -> None:
        """Turn away the publisher, that asked or publishes. Raises WrongState before connect."""
        self._decide(Step.REJECT)
        self._send_status("error", code, description)

    def close(self) -> None:
        self._state = TRANSITIONS[self._state, Step.CLOSE]

    def _decide(self, step: Step) -> None:
        state = TRANSITIONS.get((self._state, step))
        if state is None:
            raise WrongState(f"nobody asked to publish: {self._state.name}")
        self._state = state

    def _step(self, step: Step, name: str) -> State:
        """Take a step that the publisher asked for; the state before it."""
        state = TRANSITIONS.get((self._state, step))
        if state is None:
            raise ProtocolError(f"{name} has no place here ({self._state.name})")
        before, self._state = self._state, state
        return before

    def _message(self, incoming: Message) -> ServerEvent | None:
        if self._state is State.CLOSED:
            return None
        if incoming.type_id in (MessageType.COMMAND_AMF0, MessageType.COMMAND_AMF3):
            return self._command(parse_command(incoming))
        kind = _MEDIA.get(incoming.type_id)
        if kind is None or self._state is not State.PUBLISHING:
            return None
        payload = amf0_payload(incoming) if kind == "data" else incoming.payload
        return MediaReceived(kind, incoming.timestamp, payload)

    def _command(self, incoming: Command) -> ServerEvent | None:
        if self._state is State.NEW and incoming.name != "connect":
            raise ProtocolError(f"{incoming.name} before connect")
        match incoming.name:
            case "connect":
                self._step(Step.CONNECT, "connect")
                app = incoming.members(0).get("app")
                self._app = app if isinstance(app, str) else ""
                self._accept_connection(incoming)
            case "createStream":
                self._reply(incoming, None, float(_STREAM_ID))
            case "publish":
                self._step(Step.PUBLISH, "publish")
                return PublishRequested(self._app, incoming.text(1))
            case "FCUnpublish" | "deleteStream" | "closeStream":
                if self._step(Step.UNPUBLISH, incoming.name) is State.PUBLISHING:
                    self._send_status("status", "NetStream.Unpublish.Success", "Stopped")
                    return PublishEnded()
            case "FCPublish":
                status: dict[str, Value] = {"code": "NetStream.Publish.Start"}
                self._wire.send(command("onFCPublish", 0, None, status))
            case _ if incoming.transaction:
                # releaseStream, _checkbw and their like want an answer, whatever it says.
                self._reply(incoming, None, None)
        return None

    def _accept_connection(self, connect: Command) -> None:
        self._wire.send_control(window_acknowledgement_size(WINDOW_SIZE))
        self._wire.send_control(set_peer_bandwidth(WINDOW_SIZE))
        self._wire.announce_chunk_size()
        self._reply(
            connect,
            {"fmsVer": "FMS/3,0,1,123", "capabilities": 31.0},
            {
                "level": "status",
                "code": "NetConnection.Connect.Success",
                "description": "Connection succeeded.",
                "objectEncoding": 0.0,
            },
        )

    def _reply(self, asked: Command, *values: Value) -> None:
        self._wire.send(command("_result", asked.transaction, *values))

    def _send_status(self, level: str, code: str, description: str) -> None:
        status: dict[str, Value] = {"level": level, "code": code, "description": description}
        self._wire.send(command("onStatus", 0, None, status, stream_id=_STREAM_ID))
