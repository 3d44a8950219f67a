import pytest

from compositor.schema import SCHEMAS
from tests.api.client import Client


@pytest.mark.parametrize("name", sorted(SCHEMAS))
async def test_anybody_may_read_the_schemas(name: str, owner: Client) -> None:
    answer = await owner.as_(None).call("GET", f"/api/v1/schemas/{name}")

    assert (answer.status, answer.json) == (200, SCHEMAS[name])
    assert answer.headers["Content-Type"].startswith("application/json")


async def test_there_is_no_other_schema(owner: Client) -> None:
    answer = await owner.call("GET", "/api/v1/schemas/shoes.json")

    assert answer.problem() == (404, "there is no schema 'shoes.json'")
