"""What a test does in the midst of a call, in the process of the sandbox."""

from collections import defaultdict
from collections.abc import Awaitable, Callable

Hook = Callable[[], Awaitable[None]]


class Hooks:
    """Hooks by the names of endpoints. `before` run when the call was let in and nothing is done
    yet, `after` when all is done and nothing answered yet, refused or not, each time until they
    are cleared."""

    def __init__(self) -> None:
        self.before: defaultdict[str, list[Hook]] = defaultdict(list)
        self.after: defaultdict[str, list[Hook]] = defaultdict(list)

    def clear(self) -> None:
        self.before.clear()
        self.after.clear()
