"""Every route × every role, from the table itself: a new route is in here by being there."""

import pytest
from aiohttp import web

from mediaserver.api.roles import PUBLIC, RULES, RouteWithoutRule, check_rules
from mediaserver.api.routes import application
from mediaserver.secret import new_token
from tests.api.client import Client
from tests.api.conftest import Invited

ROUTES = sorted(RULES)
GUARDED = [route for route in ROUTES if RULES[route] is not PUBLIC]


def address(path: str, invited: Invited) -> str:
    """`path` with the names of what exists, where it does."""
    return (
        path.replace("{show}", invited.show)
        .replace("{feed}", invited.feed)
        .replace("{canvas}", "landscape")
        .replace("{target}", "none")
        .replace("{token}", "none")
        .replace("{session}", "none")
        .replace("{asset}", "none")
        .replace("{recording}", "none")
        .replace("{import}", "none")
        .replace("{product}", "none")
        .replace("{image}", "0")
        .replace("{room}", "none")
        .replace("{sku}", "none")
        .replace("{order}", "none")
        .replace("{schema}", "layout.json")
        .replace("{name}", "host.js")
    )


async def status_of(client: Client, method: str, path: str) -> int:
    """The status alone: event streams have no end."""
    headers = {"Authorization": f"Bearer {client.token}"} if client.token else {}
    async with client.http.request(method, client.base_url + path, headers=headers) as response:
        return response.status


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_each_route_lets_in_whom_its_rule_names_and_nobody_else(
    method: str, path: str, owner: Client, producer: Client, invited: Invited
) -> None:
    other = await owner.post(f"{invited.path}/feeds", {"name": "Bob"}, 201)
    callers = {
        "owner": owner,
        "producer": producer,
        "host": owner.as_(invited.token),
    }
    rule = RULES[method, path]
    target = address(path, invited)

    if rule is PUBLIC:
        assert await status_of(owner.as_(None), method, target) not in (401, 403)
        return
    assert await status_of(owner.as_(None), method, target) == 401
    for bad in ("nonsense", new_token("owner").reveal(), new_token("host").reveal()):
        assert await status_of(owner.as_(bad), method, target) == 401
    for role in callers.keys() - rule:
        assert await status_of(callers[role], method, target) == 403
    if "{feed}" in path:
        assert await status_of(owner.as_(other["token"]), method, target) == 403
    for role in sorted(rule):
        assert await status_of(callers[role], method, target) not in (401, 403)


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_the_refusal_is_a_problem_that_says_what_to_send(
    method: str, path: str, owner: Client, invited: Invited
) -> None:
    answer = await owner.as_(None).call(method, address(path, invited))

    assert answer.problem() == (
        401,
        "send a token as `Authorization: Bearer …`, or sign in again",
    )
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_a_host_of_one_show_has_no_business_in_another(
    owner: Client, invited: Invited
) -> None:
    other = await owner.post("/api/v1/shows", {"title": "Other"}, 201)

    answer = await owner.as_(invited.token).call("POST", f"/whip/{other['id']}")

    assert answer.problem() == (403, "a host's token is good for their own feed only")


async def test_whoever_may_not_is_told_so_by_role(owner: Client, invited: Invited) -> None:
    answer = await owner.call("POST", f"/whip/{invited.show}")

    assert answer.problem() == (403, "an owner's token may not do this")


def test_a_route_without_a_rule_fails_before_the_server_starts() -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response()

    with pytest.raises(RouteWithoutRule, match="/new"):
        application([web.get("/new", handler)])


def test_a_rule_without_a_route_fails_too() -> None:
    with pytest.raises(RouteWithoutRule, match="/api/v1/shows"):
        check_rules([])
