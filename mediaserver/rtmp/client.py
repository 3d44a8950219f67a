"""The publishing half of RTMP, without a socket: bytes in, events out.

Source: RTMP 1.0 §7.2; releaseStream, FCPublish and FCUnpublish are what Flash Media Live Encoder
did, and what servers have expected of encoders since.
"""

from enum import Enum, auto
from typing import Final

from mediaserver.rtmp.amf0 import Value
from mediaserver.rtmp.errors import WrongState
from mediaserver.rtmp.events import ClientEvent, MediaKind, PublishStarted, Refused
from mediaserver.rtmp.message import Command, Message, MessageType, command, parse_command
from mediaserver.rtmp.wire import AUDIO_CHUNK_STREAM, VIDEO_CHUNK_STREAM, Wire

FLASH_VERSION = "FMLE/3.0 (compatible; Shopcast)"
"""Servers look for FMLE to tell an encoder from a player."""

_CONNECT, _RELEASE_STREAM, _FC_PUBLISH, _CREATE_STREAM, _PUBLISH = 1, 2, 3, 4, 5
_FC_UNPUBLISH, _DELETE_STREAM = 6, 7
"""Transactions: each is used once in a session."""

_MEDIA: Final[dict[MediaKind, tuple[MessageType, int]]] = {
    "audio": (MessageType.AUDIO, AUDIO_CHUNK_STREAM),
    "video": (MessageType.VIDEO, VIDEO_CHUNK_STREAM),
    "data": (MessageType.DATA_AMF0, AUDIO_CHUNK_STREAM),
}


class State(Enum):
    HANDSHAKING = auto()
    CONNECTING = auto()
    CREATING = auto()
    PUBLISHING = auto()
    """publish is sent, its answer is awaited."""
    LIVE = auto()
    CLOSED = auto()


class Step(Enum):
    HANDSHAKEN = auto()
    CONNECTED = auto()
    CREATED = auto()
    STARTED = auto()
    REFUSED = auto()
    CLOSE = auto()


TRANSITIONS: Final[dict[tuple[State, Step], State]] = {
    (State.HANDSHAKING, Step.HANDSHAKEN): State.CONNECTING,
    (State.CONNECTING, Step.CONNECTED): State.CREATING,
    (State.CREATING, Step.CREATED): State.PUBLISHING,
    (State.PUBLISHING, Step.STARTED): State.LIVE,
    **{(state, Step.REFUSED): State.CLOSED for state in State},
    **{(state, Step.CLOSE): State.CLOSED for state in State},
}
"""Every legal step; what the server says at another time is passed over."""


class ClientSession:
    """One publisher's side of a connection, from the handshake to the goodbye.

    Take `data_to_send()` after every call and send it. `media` gives its bytes itself.
    """

    def __init__(self, app: str, tc_url: str, key: str) -> None:
        self._app = app
        self._tc_url = tc_url
        self._key = key
        self._wire = Wire(is_client=True)
        self._state = State.HANDSHAKING
        self._stream_id = 0

    @property
    def state(self) -> State:
        return self._state

    def data_to_send(self) -> bytes:
        return self._wire.data_to_send()

    def receive(self, data: bytes) -> list[ClientEvent]:
        """Take bytes from the server. Raises ProtocolError where they are not RTMP."""
        events: list[ClientEvent] = []
        if self._state is State.CLOSED:
            return events
        for incoming in self._wire.receive(data):
            if incoming.type_id in (MessageType.COMMAND_AMF0, MessageType.COMMAND_AMF3):
                event = self._command(parse_command(incoming))
                if event is not None:
                    events.append(event)
        if self._wire.handshake.complete and self._step(Step.HANDSHAKEN):
            self._connect()
        return events

    def media(self, kind: MediaKind, timestamp_ms: int, payload: bytes) -> bytes:
        """The bytes of one message. Raises WrongState unless the session is live."""
        if self._state is not State.LIVE:
            raise WrongState(f"no media can be sent while {self._state.name}")
        type_id, chunk_stream = _MEDIA[kind]
        return self._wire.writer.write(
            chunk_stream, Message(type_id, self._stream_id, timestamp_ms, payload)
        )

    def close(self) -> None:
        """Say goodbye: FCUnpublish and deleteStream, where publishing was asked for."""
        if self._state in (State.PUBLISHING, State.LIVE):
            self._wire.send(command("FCUnpublish", _FC_UNPUBLISH, None, self._key))
            self._wire.send(command("deleteStream", _DELETE_STREAM, None, float(self._stream_id)))
        self._step(Step.CLOSE)

    def _step(self, step: Step) -> bool:
        """Take a legal step; False if it is none in this state."""
        state = TRANSITIONS.get((self._state, step))
        if state is None:
            return False
        self._state = state
        return True

    def _connect(self) -> None:
        properties: dict[str, Value] = {
            "app": self._app,
            "type": "nonprivate",
            "flashVer": FLASH_VERSION,
            "tcUrl": self._tc_url,
        }
        self._wire.send(command("connect", _CONNECT, properties))

    def _command(self, incoming: Command) -> ClientEvent | None:
        match incoming.name:
            case "_result":
                self._result(incoming)
            case "_error" if incoming.transaction in (_CONNECT, _CREATE_STREAM, _PUBLISH):
                return self._refuse(incoming)
            case "onStatus":
                return self._status(incoming)
        return None

    def _result(self, incoming: Command) -> None:
        if incoming.transaction == _CONNECT and self._step(Step.CONNECTED):
            self._wire.announce_chunk_size()
            self._wire.send(command("releaseStream", _RELEASE_STREAM, None, self._key))
            self._wire.send(command("FCPublish", _FC_PUBLISH, None, self._key))
            self._wire.send(command("createStream", _CREATE_STREAM, None))
        elif incoming.transaction == _CREATE_STREAM and self._step(Step.CREATED):
            stream_id = incoming.number(1)
            self._stream_id = int(stream_id) if stream_id and 0 < stream_id < 1 << 32 else 1
            self._wire.send(
                command("publish", _PUBLISH, None, self._key, "live", stream_id=self._stream_id)
            )

    def _status(self, incoming: Command) -> ClientEvent | None:
        status = incoming.members(1)
        if status.get("level") == "error":
            return self._refuse(incoming)
        if status.get("code") == "NetStream.Publish.Start" and self._step(Step.STARTED):
            return PublishStarted()
        return None

    def _refuse(self, incoming: Command) -> Refused:
        status = incoming.members(1)
        code, description = status.get("code"), status.get("description")
        self._step(Step.REFUSED)
        return Refused(
            code if isinstance(code, str) else "",
            description if isinstance(description, str) else "",
        )
