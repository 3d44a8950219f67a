"""How a tile's edge is finished."""

from typing import NamedTuple


class Trim(NamedTuple):
    """In even pixels: the radius of the corners, and within it the width of the border around
    the picture, of the colour `#rrggbb`."""

    radius: int = 0
    border: int = 0
    colour: str = ""


PLAIN = Trim()
