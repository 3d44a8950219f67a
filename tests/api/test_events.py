import asyncio

from mediaserver.app import Server
from mediaserver.packet import ShowId
from tests.api.client import Client
from tests.api.conftest import Invited


async def test_the_state_comes_first_and_then_every_change(owner: Client, invited: Invited) -> None:
    async with owner.events(f"{invited.path}/events") as events:
        first, kind, state = await events.next()
        assert kind == "state"
        assert state == await owner.get(invited.path)

        await owner.put(f"{invited.path}/canvases/landscape/layout", {"preset": "grid"})
        await owner.patch(invited.feed_path, {"admitted": True})
        await owner.post(f"{invited.path}/targets", {"platform": "tiktok"}, 201)
        await owner.patch(invited.path, {"title": "Winter"})
        await owner.call("DELETE", f"{invited.path}/targets/tiktok")
        await owner.call("DELETE", invited.feed_path)
        changes = [await events.next() for _ in range(6)]

    assert [number for number, _, _ in changes] == list(range(first + 1, first + 7))
    assert [kind for _, kind, _ in changes] == [
        *("canvas", "feed", "target", "show", "target_removed", "feed_removed")
    ]
    assert changes[0][2]["layout"]["preset"] == "grid"
    assert changes[1][2]["admitted"] is True
    assert changes[2][2]["reason"] == "stream key missing"
    assert changes[3][2]["title"] == "Winter"
    assert changes[4][2] == {"id": "tiktok"}
    assert changes[5][2] == {"id": "ann"}


async def test_a_host_hears_of_their_own_feed_and_no_other(
    owner: Client, server: Server, invited: Invited
) -> None:
    host = owner.as_(invited.token)
    async with host.events(f"{invited.feed_path}/events") as events:
        _, _, state = await events.next()
        await owner.post(f"{invited.path}/feeds", {"name": "Bob"}, 201)
        await owner.post(f"{invited.path}/targets", {"platform": "tiktok"}, 201)
        await owner.patch(invited.path, {"title": "Winter"})
        await owner.patch(invited.feed_path, {"admitted": True})
        following = [(await events.next())[1:] for _ in range(2)]

    assert state.pop("rundown") == {"products": [], "pinned": None}
    outline = {"id": invited.show, "starts_at": None, "status": "idle"}
    assert state.pop("feed")["id"] == "ann"
    assert state == outline | {"title": "Autumn"}
    assert following[0] == ("show", outline | {"title": "Winter"})
    assert following[1][0] == "feed"
    assert following[1][1]["admitted"] is True


async def test_listeners_of_a_deleted_show_are_let_go(owner: Client, invited: Invited) -> None:
    async with owner.events(f"{invited.path}/events") as events:
        await events.next()
        await owner.call("DELETE", invited.path)
        async with asyncio.timeout(10):
            assert await events.response.content.read() == b""


async def test_a_reader_who_leaves_is_forgotten(
    owner: Client, server: Server, invited: Invited
) -> None:
    show = await server.node.show(ShowId(invited.show))
    async with owner.events(f"{invited.path}/events") as events:
        await events.next()
        assert show.events.has_listeners
        events.response.close()
    async with asyncio.timeout(10):
        while show.events.has_listeners:
            await owner.patch(invited.path, {"title": "Winter"})
