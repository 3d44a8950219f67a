import os
import signal

from hypothesis import settings

# Machines are noisy: an example has no deadline. `make fuzz` looks much longer.
settings.register_profile("test", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=100_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))


def pytest_configure() -> None:
    """SIGTERM, by `timeout` or a CI that gives up, is as Ctrl-C: tests end what they started."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
