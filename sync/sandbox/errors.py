"""What the sandbox refuses: calls as TikTok refuses them, shoppers, and its own control.

SandboxError
├── Refused          a call: answered with TikTok's code and message
├── ShopperRefused   a purchase or another step of an order that cannot be
└── ControlError     a control call that names something that is not there
"""

from sync.sandbox.wire import HTTP_STATUS


class SandboxError(Exception):
    """Base of every error this package raises on purpose."""


class Refused(SandboxError):
    """A call that TikTok would not do."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def http_status(self) -> int:
        return HTTP_STATUS.get(self.code, 200)


class ShopperRefused(SandboxError):
    """`reason` is a word for programs, the text one for people."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class ControlError(SandboxError):
    """The text says what is wrong with the control call."""
