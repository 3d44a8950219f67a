"""The demo's server is nobody else's."""

from mediaserver.demo.server import without_settings


def test_settings_of_the_users_own_server_are_not_taken() -> None:
    theirs = {"SHOPCAST_REDIS_URL": "redis://shop", "SHOPCAST_PORT": "443", "PATH": "/bin"}
    assert without_settings(theirs) == {"PATH": "/bin"}
