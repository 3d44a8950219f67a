"""TikTok's categories and their rules as they were last read, and the shop's mapping to them."""

from collections.abc import Iterable, Mapping

import msgspec

from sync.connection import Connection
from sync.model import Category, CategoryRules
from sync.store.keys import NOTICES, key
from sync.store.lease import Fence, save_fenced, save_fenced_fields
from sync.store.notices import encoded

CATEGORIES = key("categories")
RULES = key("rules")
MAPPING = key("mapping")

_TIMEOUT_S = 5.0
"""The tree has some thousand nodes."""


class CategoryTree(msgspec.Struct, frozen=True):
    """TikTok's categories as they were at `at` (unix seconds)."""

    categories: tuple[Category, ...] = ()
    at: float = 0.0


class Categories:
    """Each call raises StoreUnavailable when Redis is away."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._redis = connection.redis

    async def tree(self) -> CategoryTree:
        """An empty one where none was read yet."""
        document = await self._connection.asked(lambda: self._redis.get(CATEGORIES), _TIMEOUT_S)
        if document is None:
            return CategoryTree()
        return msgspec.json.decode(document, type=CategoryTree)

    async def save_tree(self, tree: CategoryTree, fence: Fence) -> None:
        """Raises LeaseLost."""
        document, notice = msgspec.json.encode(tree), encoded("categories")
        await save_fenced(
            self._connection, fence, CATEGORIES, document, NOTICES, notice, _TIMEOUT_S
        )

    async def rules(self) -> dict[str, CategoryRules]:
        """By category."""
        found = await self._connection.asked(lambda: self._redis.hgetall(RULES))
        return {
            name.decode(): msgspec.json.decode(document, type=CategoryRules)
            for name, document in found.items()
        }

    async def save_rules(self, rules: Iterable[CategoryRules], fence: Fence) -> None:
        """Raises LeaseLost."""
        documents = {each.category_id: msgspec.json.encode(each) for each in rules}
        await save_fenced_fields(
            self._connection, fence, RULES, documents, NOTICES, encoded("categories")
        )

    async def mapping(self) -> dict[str, str]:
        """The category of each type of product."""
        found = await self._connection.asked(lambda: self._redis.hgetall(MAPPING))
        return {name.decode(): category.decode() for name, category in found.items()}

    async def save_mapping(self, mapping: Mapping[str, str]) -> None:
        """It is all there is then."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.delete(MAPPING)
        for product_type, category_id in mapping.items():
            pipeline.hset(MAPPING, product_type, category_id)
        pipeline.publish(NOTICES, encoded("categories"))
        await self._connection.asked(pipeline.execute)
