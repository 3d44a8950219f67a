"""The exceptions of the compositor.

CompositorError
├── LayoutError     a spec that cannot be used: where, and why
├── AssetError      an image or a font that cannot be used: why
└── GeometryError   a picture and a rectangle that do not fit each other
"""


class CompositorError(Exception):
    """Base of every error this package raises."""


class LayoutError(CompositorError):
    """A layout that cannot be used: `path` points into its JSON (`slots[0].rect[2]`)."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class AssetError(CompositorError):
    """An image or a font that is too large or not what it should be."""


class GeometryError(CompositorError):
    """A picture and a rectangle that do not fit each other."""
