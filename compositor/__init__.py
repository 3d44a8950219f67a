"""A layout spec in, a frame out: no socket, thread, clock or event loop.

JSON → spec.parse_layout → Layout → tiles.tiles → Tiles, each with a picture from scale.scaled or
slate.slate ─┐
JSON → overlay_spec.parse_overlays → Overlays → painter.Painter ─┴→ render.Canvas → av.VideoFrame

compose.compose is all of it in one call. Every picture is 8-bit I420, BT.709, limited range.
"""
