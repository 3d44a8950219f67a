"""docs/sandbox.md names what there is."""

import re
from pathlib import Path
from typing import get_args

from sync.sandbox.control_api import NAMES
from sync.sandbox.faults import FaultKind
from sync.sandbox.wire import ENDPOINTS, EVENT_TYPES

PAGE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text()


def test_every_control_call_is_documented() -> None:
    table = PAGE.partition("| call | does |")[2].partition("\n\n")[0]
    named = {
        name
        for row in table.splitlines()[2:]
        for name in re.findall(r"[a-z_]+", re.sub(r"`[^`]*`", "", row.split("|")[1]))
    }

    assert named == set(NAMES)


def test_every_endpoint_and_fault_is_documented() -> None:
    named = set(re.findall(r"`([a-z_0-9]+)`", PAGE))

    assert named >= {endpoint.name for endpoint in ENDPOINTS}
    assert named >= set(get_args(FaultKind))


def test_every_type_of_webhook_is_documented() -> None:
    listed = re.search(r"types ([\d, and]+)\)", PAGE)
    assert listed is not None
    assert set(map(int, re.findall(r"\d+", listed[1]))) == set(EVENT_TYPES.values())
