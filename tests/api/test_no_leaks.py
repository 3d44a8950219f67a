"""Stream keys and tokens are in no log, no answer but the one that mints them, no metric, and
on the disk in no readable form."""

import logging
from pathlib import Path

import pytest

from mediaserver.app import Server
from tests.api.client import Client
from tests.api.conftest import Invited
from tests.peers.rtmp_record import RtmpRecord
from tests.peers.rtmp_reject import rtmp_reject

KEYS = ["live_4711_abcdefgh", "tt-key?expire=99&sign=0a1b2c3d", "third-key-zyxw"]


async def test_no_secret_is_seen_in_a_whole_session(
    owner: Client,
    server: Server,
    invited: Invited,
    destination: RtmpRecord,
    data_dir: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        assert logging.getLogger(name).propagate, name
    minted = await owner.post("/api/v1/tokens", {"name": "Pia"}, 201)
    feed = await owner.post(f"{invited.path}/feeds", {"name": "Bob"}, 201)
    reissued = await owner.post(f"{invited.path}/feeds/bob/token", status=201)
    minting = 4  # of the producer, of Ann (invited), of Bob, of Bob again
    secrets = [
        *KEYS,
        server.owner_token.reveal(),
        minted["token"],
        invited.token,
        feed["token"],
        reissued["token"],
    ]
    answers = [a for a in owner.answers if a.status != 201 or b'"token"' not in a.body]
    assert len(owner.answers) - len(answers) == minting
    owner.answers.clear()

    producer, host = owner.as_(minted["token"]), owner.as_(invited.token)
    async with rtmp_reject("NetStream.Publish.BadName", f"bad key {KEYS[1]}") as refusing:
        for key, url in zip(
            KEYS, (destination.url, refusing, "rtmp://127.0.0.1:9/live"), strict=True
        ):
            body = {"platform": "custom", "url": url, "stream_key": key}
            await producer.post(f"{invited.path}/targets", body, 201)
        async with owner.events(f"{invited.path}/events") as events:
            await producer.post(f"{invited.path}/start")
            await (await destination.recording()).until_messages(10)
            told = [
                str(await events.until("target", status="rejected")),
                str(await events.until("stats")),
            ]
        for client in (owner, producer, host):
            await client.call("POST", "/api/v1/session")
        for method, path in [
            ("GET", "/api/v1/shows"),
            ("GET", "/api/v1/tokens"),
            ("GET", invited.path),
            ("GET", "/metrics"),
            ("GET", "/readyz"),
            ("GET", f"/{KEYS[0]}"),
            ("DELETE", f"{invited.path}/targets/custom"),
            ("PATCH", f"{invited.path}/targets/custom-2"),
        ]:
            await producer.call(method, path)
            await host.call(method, path)
        await owner.as_(feed["token"]).call("POST", f"/whip/{invited.show}", data=b"v=0")
        await producer.post(f"{invited.path}/end")

    log = caplog.text  # every logger's records as they are formatted, with tracebacks, unmasked
    assert "show_on_air" in log
    seen = [log, *told] + [str((dict(a.headers), a.body)) for a in [*answers, *owner.answers]]
    on_disk = b"".join(
        path.read_bytes() for path in (data_dir / "redis").rglob("*") if path.is_file()
    )
    assert invited.show.encode() in on_disk
    for secret in secrets:
        assert secret.encode() not in on_disk
        for text in seen:
            assert secret not in text
