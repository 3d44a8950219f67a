"""Installs the programs that the tests use as real peers, or says what to install.

Run by `make test` with the machine's own Python, before anything of ours is there.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PACKAGES: dict[str, Callable[[], bool]] = {
    "chromium": lambda: shutil.which("chromium") is not None,
    "ffmpeg": lambda: shutil.which("ffmpeg") is not None,
    "iproute2": lambda: shutil.which("ip") is not None,
    "nginx": lambda: Path("/usr/sbin/nginx").exists(),
    "libnginx-mod-rtmp": lambda: Path("/usr/lib/nginx/modules/ngx_rtmp_module.so").exists(),
    "redis-server": lambda: shutil.which("redis-server") is not None,
}


def main() -> int:
    missing = [package for package, is_there in PACKAGES.items() if not is_there()]
    if not missing:
        return 0
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print(f"the tests need: {' '.join(missing)}\non Debian: sudo {' '.join(install)}")
        return 1
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "--quiet"], env=environment, check=True)
    # A policy that forbids starting services: the tests start their own servers.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        subprocess.run(install, env=environment, check=True)
    finally:
        if ours:
            policy.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
