"""TikTok's categories and their rules: read once a day, and kept."""

import logging
from collections.abc import Callable

from sync.eligibility.categories import Placements
from sync.model import Category, CategoryRules, CertificationRule
from sync.store.categories import Categories, CategoryTree
from sync.store.lease import Fence
from sync.tiktok import wire
from sync.tiktok.client import TikTok
from sync.tiktok.errors import Misused, Refused, Unreadable

log = logging.getLogger(__name__)

CATEGORIES_EVERY_S = 24 * 3600.0


class CategoryReading:
    """What is known of the tree and the rules of the categories in use. Raises TikTokError,
    StoreUnavailable and LeaseLost."""

    def __init__(
        self, store: Categories, tiktok: TikTok, fence: Fence, now: Callable[[], float]
    ) -> None:
        self.placements = Placements()
        self._store = store
        self._tiktok = tiktok
        self._fence = fence
        self._now = now
        self._tree = CategoryTree()
        self._rules: dict[str, CategoryRules] = {}
        self._mapping: dict[str, str] = {}
        self._tree_refusal = ""
        self._rule_refusals: dict[str, str] = {}
        """By the id of a category, as long as no rules of it are known."""

    async def load(self) -> bool:
        """Take in what is kept; whether it is something else."""
        before = self._mapping, self._rules, self._tree
        store = self._store
        self._mapping, self._rules = await store.mapping(), await store.rules()
        self._tree = await store.tree()
        self.placements = Placements(self._mapping, self._tree.categories, self._rules)
        return before != (self._mapping, self._rules, self._tree)

    async def read(self, shop: wire.ShopCipher, version: str) -> bool:
        """Ask TikTok for what is old; whether there is something to load."""
        has_tree = await self._read_tree(shop, version)
        if has_tree:
            await self.load()
        return await self._read_rules(shop, version) or has_tree

    @property
    def held_up(self) -> str:
        """What is not known, so that products wait for it, "" for nothing that TikTok refuses to
        tell."""
        if not self._tree.categories:
            if not self._tree_refusal:
                return ""
            return (
                "no product can be listed: TikTok does not tell its categories "
                f"({self._tree_refusal}); it is asked again"
            )
        refused = {
            each: why
            for each, why in self._rule_refusals.items()
            if each in self.placements.used and each not in self._rules
        }
        if not refused:
            return ""
        first = min(refused)
        return (
            f"products wait in {len(refused)} of the categories: TikTok does not tell its rules "
            f"for {first} ({refused[first]}); it is asked again"
        )

    async def _read_tree(self, shop: wire.ShopCipher, version: str) -> bool:
        now = self._now()
        if self._tree.categories and now - self._tree.at < CATEGORIES_EVERY_S:
            return False
        try:
            found = await self._tiktok.categories(shop, version=version)
        except (Refused, Misused, Unreadable) as error:
            log.warning("categories_refused error=%s", error)
            self._tree_refusal = error.message
            return False
        self._tree_refusal = "" if found else "its answer has none"
        if not found:  # the last word is kept
            return False
        await self._store.save_tree(CategoryTree(tuple(map(_category, found)), now), self._fence)
        return True

    async def _read_rules(self, shop: wire.ShopCipher, version: str) -> bool:
        now = self._now()
        rules = []
        for each in self.placements.used:
            if each in self._rules and now - self._rules[each].at < CATEGORIES_EVERY_S:
                continue
            try:
                told = await self._tiktok.category_rules(shop, each, version=version)
            except (Refused, Misused, Unreadable) as error:  # the others are told of
                log.info("category_rules_refused category=%s error=%s", each, error)
                self._rule_refusals[each] = error.message
            else:
                rules.append(_rules(each, told, now))
        if rules:
            await self._store.save_rules(rules, self._fence)
        return bool(rules)


def _category(found: wire.Category) -> Category:
    words = found.permission_statuses or ()
    return Category(
        id=found.id,
        parent_id=found.parent_id or "",
        name=found.local_name or found.id,
        is_leaf=bool(found.is_leaf),
        permission=words[0] if words else "AVAILABLE",
    )


def _rules(category_id: str, found: wire.CategoryRules, now: float) -> CategoryRules:
    return CategoryRules(
        category_id,
        tuple(
            CertificationRule(each.id, each.name or each.id, is_required=bool(each.is_required))
            for each in found.product_certifications
        ),
        now,
    )
