from tests.api.conftest import data_dir, destination, owner, server, settings

__all__ = ["data_dir", "destination", "owner", "server", "settings"]
