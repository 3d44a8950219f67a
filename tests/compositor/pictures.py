"""Deterministic pictures, FFmpeg's filters to compare with, and the distance between the two."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np
from av.filter import Graph
from av.filter.context import FilterContext

from compositor.frame import Yuv420, blank, colour, copy, solid, video_frame
from compositor.geometry import Size

CAMERA = Size(256, 144)
HUES = ("#d9534f", "#4f86d9", "#5cb85c", "#e0a030", "#9b59b6", "#3aa6a6", "#c0719a", "#808a3c")


def camera(number: int, size: Size = CAMERA) -> av.VideoFrame:
    """A still of camera `number`: its own hue, brighter to the right, and `number` white bars."""
    picture = solid(size, colour(HUES[(number - 1) % len(HUES)]))
    ramp = np.linspace(-40, 40, size.width)
    picture.y[:] = np.clip(picture.y + ramp[None, :], 16, 235).astype(np.uint8)
    picture.y[: size.height // 9] = 40
    thickness = size.width // 32
    for bar in range(number):
        left = (size.width - (2 * number - 1) * thickness) // 2 + bar * 2 * thickness
        picture.y[size.height // 3 : size.height * 2 // 3, left : left + thickness] = 235
    return video_frame(picture)


def noise(size: Size, seed: int = 0) -> Yuv420:
    """A picture with every pixel its own."""
    picture = blank(size)
    random = np.random.default_rng(seed)
    for plane in (picture.y, picture.u, picture.v):
        plane[:] = random.integers(16, 236, plane.shape, dtype=np.uint8)
    return picture


def clone(picture: Yuv420) -> Yuv420:
    """The same pixels in other memory."""
    twin = blank(picture.size)
    copy(picture, twin)
    return twin


def same(one: Yuv420, other: Yuv420) -> bool:
    """Whether two pictures are equal in every pixel."""
    return all(
        np.array_equal(a, b)
        for a, b in zip((one.y, one.u, one.v), (other.y, other.u, other.v), strict=True)
    )


def psnr(one: Yuv420, other: Yuv420) -> float:
    """Peak signal to noise in dB over all samples, as FFmpeg's psnr filter averages it."""
    pairs = ((one.y, other.y), (one.u, other.u), (one.v, other.v))
    errors = [((a.astype(np.float64) - b) ** 2) for a, b in pairs]
    mean = sum(error.sum() for error in errors) / sum(error.size for error in errors)
    return float("inf") if mean == 0 else float(10 * np.log10(255**2 / mean))


def generated(source: str, options: str, count: int) -> list[av.VideoFrame]:
    """`count` frames of one of FFmpeg's sources with noise over them."""
    graph = Graph()
    nodes = [
        graph.add(source, options),
        graph.add("noise", "alls=12:allf=t"),
        graph.add("format", "pix_fmts=yuv420p"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*nodes).configure()
    return [graph.vpull() for _ in range(count)]


def received(frames: Sequence[av.VideoFrame], bitrate_bps: int) -> list[av.VideoFrame]:
    """`frames` as a feed brings them: through x264 at `bitrate_bps` and a decoder."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height = frames[0].width, frames[0].height
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 30)
    encoder.framerate = Fraction(30)
    encoder.bit_rate = bitrate_bps
    encoder.options = {"preset": "veryfast", "tune": "zerolatency", "threads": "1"}
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    return [frame for packet in _encoded(encoder, frames) for frame in decoder.decode(packet)]


def _encoded(
    encoder: av.VideoCodecContext, frames: Sequence[av.VideoFrame]
) -> "Iterator[av.Packet[av.VideoStream] | None]":
    for pts, frame in enumerate(frames):
        frame.pts = pts
        frame.time_base = Fraction(1, 30)
        yield from encoder.encode(frame)
    yield from encoder.encode(None)
    yield None


def filtered(frames: Sequence[av.VideoFrame], *chains: str) -> av.VideoFrame:
    """FFmpeg's filters: a chain for each input, then hstack of several, then a last chain.

    A chain is written `name=args,name=args`.
    """
    graph = Graph()
    sources, ends = [], []
    for frame, chain in zip(frames, chains, strict=False):
        source = graph.add(
            "buffer",
            f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/30"
            f":colorspace={frame.colorspace}:range={int(frame.color_range)}",
        )
        end = source
        for name, _, args in (part.partition("=") for part in chain.split(",")):
            node = graph.add(name, args or None)
            end.link_to(node)
            end = node
        sources.append(source)
        ends.append(end)
    last = ends[0]
    if len(frames) > 1:
        last = graph.add("hstack", f"inputs={len(frames)}")
        for index, end in enumerate(ends):
            end.link_to(last, 0, index)
    for chain in chains[len(frames) :]:
        name, _, args = chain.partition("=")
        node = graph.add(name, args)
        last.link_to(node)
        last = node
    sink = graph.add("buffersink")
    last.link_to(sink)
    graph.configure()
    for source, frame in zip(sources, frames, strict=True):
        frame.pts = 0
        frame.time_base = Fraction(1, 30)
        source.push(frame)
        source.push(None)
    return graph.vpull()


def overlaid(under: av.VideoFrame, over: av.VideoFrame, x: int, y: int) -> av.VideoFrame:
    """FFmpeg's overlay of the RGBA frame `over`."""
    graph = Graph()
    below, above = (_source(graph, frame) for frame in (under, over))
    matrix = graph.add("scale", "out_color_matrix=bt709:out_range=tv")
    planar = graph.add("format", "pix_fmts=yuva420p")
    node, sink = graph.add("overlay", f"x={x}:y={y}"), graph.add("buffersink")
    above.link_to(matrix)
    matrix.link_to(planar)
    below.link_to(node, 0, 0)
    planar.link_to(node, 0, 1)
    node.link_to(sink)
    return _pulled(graph, [(below, under), (above, over)])


def stacked(frames: Sequence[av.VideoFrame], tile: Size) -> av.VideoFrame:
    """FFmpeg's scale and xstack of four frames, two by two."""
    graph = Graph()
    sources = [_source(graph, frame) for frame in frames]
    layout = f"0_0|{tile.width}_0|0_{tile.height}|{tile.width}_{tile.height}"
    stack, sink = graph.add("xstack", f"inputs=4:layout={layout}"), graph.add("buffersink")
    for index, source in enumerate(sources):
        scale = graph.add("scale", f"{tile.width}:{tile.height}:flags=bilinear")
        source.link_to(scale)
        scale.link_to(stack, 0, index)
    stack.link_to(sink)
    return _pulled(graph, list(zip(sources, frames, strict=True)))


def _source(graph: Graph, frame: av.VideoFrame) -> FilterContext:
    return graph.add(
        "buffer",
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}:time_base=1/30"
        f":colorspace={frame.colorspace}:range={int(frame.color_range)}",
    )


def _pulled(graph: Graph, feeds: Sequence[tuple[FilterContext, av.VideoFrame]]) -> av.VideoFrame:
    graph.configure()
    for source, frame in feeds:
        frame.pts = 0
        frame.time_base = Fraction(1, 30)
        source.push(frame)
        source.push(None)
    return graph.vpull()
