import errno
import socket
import ssl

import pytest

from mediaserver.rtmp.events import Refused
from mediaserver.rtmp.reasons import connect_failure, refusal
from sync.secret import Secret


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            socket.gaierror(socket.EAI_NONAME, ""),
            "there is no server named live.example.com; is the address spelled right?",
        ),
        (
            socket.gaierror(socket.EAI_AGAIN, ""),
            "the name live.example.com could not be looked up; is the network down?",
        ),
        (
            ConnectionRefusedError(errno.ECONNREFUSED, ""),
            "the server refused the connection: nothing listens on port 1935",
        ),
        (
            OSError(errno.EHOSTUNREACH, ""),
            "the server cannot be reached from this computer's network",
        ),
        (OSError(errno.ENETUNREACH, ""), "this computer has no network connection to the server"),
        (ConnectionResetError(), "the server broke off the connection"),
        (ConnectionResetError(errno.ECONNRESET, ""), "the server broke off the connection"),
        (OSError("Multiple exceptions: …"), "the connection failed"),
        (
            ssl.SSLError(1, "[SSL: TLSV1_ALERT] …"),
            "the server and this computer could not agree on a secure connection",
        ),
    ],
)
def test_failure_to_connect_is_put_in_plain_words(error: OSError, reason: str) -> None:
    assert connect_failure(error, "live.example.com", 1935) == reason


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (
            Refused("NetStream.Publish.BadName", "Already publishing"),
            "the stream key is wrong or already in use (it says: Already publishing)",
        ),
        (Refused("NetStream.Publish.BadName", ""), "the stream key is wrong or already in use"),
        (
            Refused("NetConnection.Connect.Rejected", "[ AccessManager.Reject ]\0"),
            "the server address is not accepted (it says: [ AccessManager.Reject ])",
        ),
        (
            Refused("", "no stream live_1?sign=2, nor live_1"),
            "the server refused the stream (it says: no stream ***, nor ***)",
        ),
    ],
)
def test_refusal_is_explained_without_the_key(refused: Refused, reason: str) -> None:
    assert refusal(refused, "live_1?sign=2") == reason


def test_server_s_words_are_cut_and_other_secrets_are_masked() -> None:
    other = Secret("another-one")
    said = refusal(Refused("", "another-one " + "x" * 1000), "key")
    assert said == f"the server refused the stream (it says: *** {'x' * 196})"
    assert other.reveal() not in said
