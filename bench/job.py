"""What job J1 asks for: the canvas and where its two tiles are."""

from compositor.geometry import Rect

TILES = (Rect(0, 180, 640, 360), Rect(640, 180, 640, 360))
LAYOUT = {
    "background": "#000000",
    "slots": [
        {"auto": 1, "rect": [0, 0.25, 0.5, 0.5]},
        {"auto": 2, "rect": [0.5, 0.25, 0.5, 0.5]},
    ],
}
WIDTH, HEIGHT, FPS, BITRATE_BPS = 1280, 720, 30, 3_000_000
"""A show's default canvas."""
