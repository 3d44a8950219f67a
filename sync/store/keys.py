"""The names of the shop's keys in Redis. All share one hash tag, so that a script over any of them
touches one slot of a cluster.

| key | is |
|---|---|
| products | hash: product → JSON |
| revisions | hash: product → its revision |
| handles | hash: handle → product |
| order | sorted set, scores 0: products in the order of their ids, which is that of their making |
| search | hash: product → what it is found by |
| stock:SKU | hash: product, on_hand, committed, revision, and q:CHANNEL for each quota |
| stock:SKU:history | stream: the changes of it, the latest 10,000 at least |
| dirty | hash: product → changes that the sidecar has not looked at yet |

Other modules here name their own: images.py, imports.py, channel.py, hints.py, lease.py,
listings.py, uploads.py, categories.py, progress.py.
"""

from sync.model import SkuId


def key(name: str) -> str:
    return f"shopcast:{{shop}}:{name}"


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
