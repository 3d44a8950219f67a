"""What listeners are told of when a show's record changes."""

from collections.abc import Iterator

from mediaserver.broadcast import EventKind
from mediaserver.show.product_cards import shows_of_products
from mediaserver.state import ShowRecord
from mediaserver.view import show_view


def changes(before: ShowRecord, after: ShowRecord) -> Iterator[tuple[EventKind, str]]:
    """The kinds of events, each with the id of what it is about."""
    if show_view(before, None) != show_view(after, None):
        yield "show", after.id
    if before.canvases.keys() - after.canvases.keys():
        yield "state", after.id
    for canvas_id, canvas in after.canvases.items():
        if canvas != before.canvases.get(canvas_id):
            yield "canvas", canvas_id
    for feed_id in before.feeds.keys() - after.feeds.keys():
        yield "feed_removed", feed_id
    for feed_id, feed in after.feeds.items():
        if feed != before.feeds.get(feed_id):
            yield "feed", feed_id
    for asset_id in before.assets.keys() - after.assets.keys():
        yield "asset_removed", asset_id
    for asset_id, asset in after.assets.items():
        if asset != before.assets.get(asset_id):
            yield "asset", asset_id
    of_rundown = [
        (record.rundown, record.pinned, record.channels, shows_of_products(record))
        for record in (before, after)
    ]
    if of_rundown[0] != of_rundown[1] and (before.rundown or after.rundown):
        yield "rundown", after.id
    for target_id in before.targets.keys() - after.targets.keys():
        yield "target_removed", target_id
    for target_id, target in after.targets.items():
        canvas, earlier = after.canvases[target.canvas], before.canvases.get(target.canvas)
        is_advised_anew = earlier is None or earlier.encoding != canvas.encoding
        if target != before.targets.get(target_id) or is_advised_anew:
            yield "target", target_id
