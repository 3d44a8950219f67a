"""What is behind the slots."""

from functools import lru_cache

from PIL import Image

from compositor.assets import Assets, image
from compositor.drawing import fitted
from compositor.errors import AssetError
from compositor.frame import Colour, Yuv420, colour
from compositor.geometry import Size
from compositor.layout import DEFAULT_BACKGROUND, Backdrop, Fit
from compositor.raster import opaque, raster


def background(wanted: str | Backdrop, size: Size, assets: Assets) -> Colour | Yuv420:
    """The colour, or the image at `size`, the same object every time.

    Without the image, and where it has holes, it is the default colour.
    """
    if isinstance(wanted, str):
        return colour(wanted)
    file = assets.get(wanted.image)
    picture = _picture(file, size, wanted.fit) if file is not None else None
    return picture or colour(DEFAULT_BACKGROUND)


@lru_cache(maxsize=8)
def _picture(file: bytes, size: Size, fit: Fit) -> Yuv420 | None:
    try:
        drawn = fitted(image(file), size, fit)
    except AssetError:
        return None
    whole = Image.new("RGBA", (size.width, size.height), DEFAULT_BACKGROUND)
    whole.alpha_composite(
        drawn, ((size.width - drawn.width) // 2, (size.height - drawn.height) // 2)
    )
    return opaque(raster(whole))
