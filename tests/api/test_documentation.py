from pathlib import Path

import pytest

from mediaserver.api.roles import RULES

API = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


@pytest.mark.parametrize(("method", "path"), sorted(RULES))
def test_every_call_is_in_the_documentation(method: str, path: str) -> None:
    if path.startswith(("/whip/", "/whep/")) and method in ("GET", "OPTIONS"):
        assert "**GET** and **OPTIONS** on both" in API
    else:
        assert f"**{method} {path}**" in API
