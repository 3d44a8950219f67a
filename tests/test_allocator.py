import subprocess
import sys

ARENAS = """
import ctypes, threading
from mediaserver.allocator import share_one_arena
share_one_arena()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
taken = []
threads = [threading.Thread(target=lambda: taken.append(libc.malloc(5_000))) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
libc.malloc_stats()
"""


def test_all_threads_take_memory_from_one_arena() -> None:
    ended = subprocess.run([sys.executable, "-c", ARENAS], capture_output=True, check=True)
    assert ended.stderr.count(b"Arena ") == 1
