from tests.api.conftest import data_dir, destination, owner, server, settings
from tests.webrtc.conftest import busy_camera, launch, page, whip_server

__all__ = [
    "busy_camera",
    "data_dir",
    "destination",
    "launch",
    "owner",
    "page",
    "server",
    "settings",
    "whip_server",
]
