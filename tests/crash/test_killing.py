"""An order that was acknowledged survives kill -9 of the server and of its Redis at any moment."""

from pathlib import Path

import pytest

from sync.model import TIKTOK
from sync.sandbox.server import Sandbox
from sync.sandbox.world import SandboxSettings
from tests.crash.killing import KILLS, ON_HAND, POSTS, runs, sell_and_kill


@pytest.mark.parametrize("seed", range(runs()))
async def test_whatever_is_killed_the_books_are_those_that_were_acknowledged(
    seed: int, tmp_path: Path
) -> None:
    async with Sandbox(SandboxSettings(audit_s=0.0)) as sandbox:
        told, books = await sell_and_kill(seed, tmp_path, sandbox)

    assert len(told.killed) == KILLS
    assert len(told.placed) + len(told.refused) == POSTS
    assert books.own == set(told.placed.values()), "an order is lost, or there twice"
    assert len(books.own) == len(told.placed)
    assert books.of(TIKTOK) == told.bought
    assert {line.short for lines in books.held.values() for line in lines.values()} <= {0}
    taken = sum(line.held for lines in books.held.values() for line in lines.values())
    assert taken == books.stock.committed == len(told.placed) + len(told.bought)
    assert books.stock.on_hand == ON_HAND
    assert books.stock.free + books.stock.quotas.get(TIKTOK, 0) == ON_HAND - taken
    assert books.stock.free >= 0
