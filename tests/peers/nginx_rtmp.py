"""nginx with its RTMP module, as Debian packages both."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from tests.peers.tcp import free_ports

MODULE = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

_CONFIG = """
load_module {module};
daemon off;
master_process off;
pid {prefix}/nginx.pid;
error_log stderr notice;
error_log {prefix}/error.log info;
events {{ worker_connections 64; }}
rtmp {{
  access_log off;
  server {{
    listen 127.0.0.1:{rtmp_port};
    application live {{ live on; record all; record_path {prefix}; }}
    application denied {{ live on; deny publish all; }}
    application members {{ live on; on_publish http://127.0.0.1:{http_port}/refuse; }}
  }}
}}
http {{
  access_log off;
  client_body_temp_path {prefix}/body;
  proxy_temp_path {prefix}/proxy;
  fastcgi_temp_path {prefix}/fastcgi;
  uwsgi_temp_path {prefix}/uwsgi;
  scgi_temp_path {prefix}/scgi;
  server {{
    listen 127.0.0.1:{http_port};
    location = /stat {{ rtmp_stat all; }}
    location = /refuse {{ return 403; }}
  }}
}}
"""


class Nginx:
    """A running nginx: application `live` records, application `members` refuses every key,
    `denied` every address."""

    def __init__(self, prefix: Path, rtmp_port: int, http_port: int) -> None:
        self.port = rtmp_port
        self._prefix = prefix
        self._http_port = http_port

    def url(self, app: str = "live") -> str:
        return f"rtmp://127.0.0.1:{self.port}/{app}"

    def recorded(self, key: str) -> Path:
        """The file with what was published as `key`; complete once its publisher has left."""
        return self._prefix / f"{key}.flv"

    @property
    def error_log(self) -> str:
        return (self._prefix / "error.log").read_text()

    async def stat(self) -> str:
        """The statistics page, which is XML."""
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{self._http_port}/stat") as answer,
        ):
            return await answer.text()

    async def until_unpublished(self, key: str) -> None:
        """Wait until nobody publishes `key`."""
        async with asyncio.timeout(30):
            while f"<name>{key}</name>" in await self.stat():
                pass


@contextmanager
def nginx_rtmp(prefix: Path) -> Iterator[Nginx]:
    """Runs in `prefix`, a directory of its own; listens when it is given out."""
    rtmp_port, http_port = free_ports(2)
    config = prefix / "nginx.conf"
    config.write_text(
        _CONFIG.format(module=MODULE, prefix=prefix, rtmp_port=rtmp_port, http_port=http_port)
    )
    command = ["/usr/sbin/nginx", "-p", str(prefix), "-c", str(config), "-e", "stderr"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        # It says so once its sockets are open.
        started = any("event method" in line for line in process.stderr)
        try:
            assert started, "nginx did not start"
            yield Nginx(prefix, rtmp_port, http_port)
        finally:
            process.terminate()
