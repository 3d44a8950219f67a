from tests.api.client import Client


async def test_the_hosts_page_talks_to_this_server_only(owner: Client) -> None:
    page = await owner.as_(None).call("GET", "/host")
    script = await owner.as_(None).call("GET", "/host.js")

    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"


async def test_files_beside_the_pages_are_not_served(owner: Client) -> None:
    for path in ("/none.js", "/__init__.py", "/..%2fpyproject.toml", "/%2e%2e/x.js"):
        assert (await owner.as_(None).call("GET", path)).status == 404
