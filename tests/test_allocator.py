import re
import subprocess
import sys

ARENAS = """
import ctypes, threading
from mediaserver.allocator import keep_memory_together
keep_memory_together()
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


PICTURE_BYTES = 1280 * 720 * 3 // 2
PICTURES = f"""
import ctypes, sys
from mediaserver.allocator import keep_memory_together
keep_memory_together()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
for _ in range(100):
    libc.free(libc.malloc({PICTURE_BYTES}))
still = libc.malloc({PICTURE_BYTES})
libc.malloc_stats()
"""


def test_pictures_come_from_no_arena_even_after_many_were_freed() -> None:
    ended = subprocess.run([sys.executable, "-c", PICTURES], capture_output=True, check=True)
    arena, total = map(int, re.findall(r"in use bytes +=\s+(\d+)", ended.stderr.decode()))
    assert total - arena >= PICTURE_BYTES
