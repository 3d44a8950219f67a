"""Everything of the shop that is kept in Redis."""

from collections.abc import Callable

from sync.connection import Connection
from sync.store.airings import Airings
from sync.store.buyers import Buyers
from sync.store.categories import Categories
from sync.store.channel import Channels
from sync.store.dirty import Dirty
from sync.store.hints import Hints
from sync.store.images import Images
from sync.store.listings import Listings
from sync.store.orders import Orders
from sync.store.products import Products
from sync.store.progress import ProgressStore
from sync.store.remote_skus import RemoteSkus
from sync.store.rooms import Rooms
from sync.store.stock import Stocks
from sync.store.uploads import Uploads
from sync.store.watermark import Watermarks


class Stores:
    """One of each, over the same connection. `now` gives unix seconds."""

    def __init__(self, connection: Connection, now: Callable[[], float]) -> None:
        self.products = Products(connection, now)
        self.stocks = Stocks(connection, now)
        self.orders = Orders(connection, now)
        self.buyers = Buyers(connection, now)
        self.remote_skus = RemoteSkus(connection)
        self.watermarks = Watermarks(connection)
        self.airings = Airings(connection)
        self.rooms = Rooms(connection)
        self.images = Images(connection)
        self.dirty = Dirty(connection)
        self.hints = Hints(connection)
        self.channels = Channels(connection)
        self.listings = Listings(connection)
        self.uploads = Uploads(connection)
        self.categories = Categories(connection)
        self.progress = ProgressStore(connection)
