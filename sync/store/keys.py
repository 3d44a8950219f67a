"""The names of the shop's keys in Redis. All share one hash tag, so that a script over any of them
touches one slot of a cluster.

| key | is |
|---|---|
| products | hash: product → JSON |
| revisions | hash: product → its revision |
| handles | hash: handle → product |
| order | sorted set, scores 0: products in the order of their ids, which is that of their making |
| search | hash: product → what it is found by |
| stock:SKU | hash: product, on_hand, committed, revision, wanted, wanted_until, and below |
| stock:SKU:history | stream: the changes of it, the latest 10,000 at least |
| escrowed:CHANNEL | set: SKUs with a quota there |
| unsettled:CHANNEL | set: SKUs in doubt there |
| adjusted:NAME | mark of an adjustment done a moment ago |
| dirty | hash: product → changes that the sidecar has not looked at yet |

Of a SKU's stock there is for each channel (sync.model.Stock) q: its quota, g: its generations, d:
the one in doubt, x: 1 while it is unbound, n: the units sold there.

Other modules here name their own: images.py, imports.py, channel.py, hints.py, lease.py,
listings.py, uploads.py, categories.py, progress.py, orders.py and more.
"""

from sync.model import ChannelId, SkuId


def key(name: str) -> str:
    return f"shopcast:{{shop}}:{name}"


ROOT = key("")
"""What all keys begin with, for scripts that make the names of some."""

PRODUCTS = key("products")
REVISIONS = key("revisions")
HANDLES = key("handles")
ORDER = key("order")
SEARCH = key("search")
DIRTY = key("dirty")

NOTICES = key("notices")
"""Not a key but the channel on which notices are published."""


def stock_key(sku: SkuId) -> str:
    return key(f"stock:{sku}")


def history_key(sku: SkuId) -> str:
    return key(f"stock:{sku}:history")


def escrowed_key(channel: ChannelId) -> str:
    return key(f"escrowed:{channel}")


def unsettled_key(channel: ChannelId) -> str:
    return key(f"unsettled:{channel}")
