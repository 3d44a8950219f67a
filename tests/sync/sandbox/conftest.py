from collections.abc import AsyncIterator

import aiohttp
import pytest

from sync.sandbox.server import Sandbox
from sync.sandbox.world import SandboxSettings
from tests.sync.sandbox.caller import Caller
from tests.sync.sandbox.mailbox import Mailbox
from tests.sync.sandbox.shelf import Shelf

START = 1_790_000_000.0
AUDIT_S = 60.0


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    settings = SandboxSettings(
        start=START,
        manual_clock=True,
        audit_s=AUDIT_S,
        redirect_url="http://127.0.0.1:1/callback?from=tiktok",
    )
    async with Sandbox(settings) as sandbox:
        yield sandbox


@pytest.fixture
async def caller(sandbox: Sandbox, session: aiohttp.ClientSession) -> Caller:
    """Connected to the seller with one shop."""
    return await Caller(sandbox, session).connect()


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture
async def shelf(caller: Caller) -> Shelf:
    made = await caller.create()
    await caller.sandbox.control.clock(AUDIT_S)
    product = await caller.product(made["product_id"])
    [sku] = product["skus"]
    return Shelf(caller, made["product_id"], sku["id"], sku["inventory"][0]["warehouse_id"])
