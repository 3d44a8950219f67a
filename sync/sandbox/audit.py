"""Audits: they take time, and end as the rules on demand say, or else as shop and category do."""

from functools import partial
from typing import Literal

import msgspec

from sync.sandbox import categories, events
from sync.sandbox.clock import SandboxClock
from sync.sandbox.events import PreApprovedForm
from sync.sandbox.products import Catalogue, Content, Product
from sync.sandbox.sellers import Shop
from sync.sandbox.webhooks import Courier
from sync.sandbox.wire import (
    INVITE_ONLY,
    KYC_PENDING,
    RESTRICTED_CATEGORY_PENDING,
    Audit,
    Event,
    Status,
)


class Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How audits end of the products that it fits: those whose title has `title` in it, of
    `category_id`, with `seller_sku`; what is None fits all. `after_s` overrules how long one
    takes. The first that fits counts."""

    status: Literal["APPROVED", "FAILED", "PRE_APPROVED"] = "APPROVED"
    reasons: tuple[str, ...] = ()
    title: str | None = None
    category_id: str | None = None
    seller_sku: str | None = None
    after_s: float | None = None

    def fits(self, content: Content) -> bool:
        return (
            (self.title is None or self.title.lower() in content.title.lower())
            and (self.category_id is None or self.category_id == content.category_id)
            and (
                self.seller_sku is None
                or any(self.seller_sku == sku.seller_sku for sku in content.skus)
            )
        )


class Auditor:
    """Audits what is submitted. `seconds` is how long one takes."""

    def __init__(
        self, clock: SandboxClock, courier: Courier, seconds: float, form: PreApprovedForm
    ) -> None:
        self.seconds = seconds
        self.verdicts: list[Verdict] = []
        self.form = form
        self._clock = clock
        self._courier = courier

    def submit(self, shop: Shop, catalogue: Catalogue, product: Product) -> None:
        """Audit the latest version of `product`, which is PENDING or already on sale."""
        product.audit_run += 1
        product.failed = ()
        self._move(shop, catalogue, product, Audit.AUDITING)
        verdict = self._verdict(product.latest)
        seconds = self.seconds
        if verdict is not None and verdict.after_s is not None:
            seconds = verdict.after_s
        self._clock.after(
            seconds, partial(self._finish, shop, catalogue, product, product.audit_run)
        )

    def withdraw(self, shop: Shop, catalogue: Catalogue, product: Product) -> None:
        """End whatever audit there is without a verdict; an edit under review is dropped."""
        product.audit_run += 1
        product.review = None
        self._move(shop, catalogue, product, Audit.NONE)

    def look_again(self, shop: Shop, catalogue: Catalogue) -> None:
        """List what was pre-approved and lacks nothing any more."""
        waiting = [
            product
            for product in catalogue.by_id.values()
            if product.audit == Audit.PRE_APPROVED and product.status == Status.PENDING
        ]
        for product in waiting:
            self._conclude(shop, catalogue, product, self._missing(shop, product.content))

    def tell_status(self, shop: Shop, product: Product, what: str, reason: str = "") -> None:
        data = events.product_status(product.id, what, reason, product.update_time)
        self._courier.send(shop, Event.PRODUCT_STATUS_CHANGE, data)

    def _verdict(self, content: Content) -> Verdict | None:
        return next((verdict for verdict in self.verdicts if verdict.fits(content)), None)

    def _finish(self, shop: Shop, catalogue: Catalogue, product: Product, run: int) -> None:
        if product.audit_run != run:
            return
        verdict = self._verdict(product.latest)
        if verdict is not None and verdict.status == Audit.FAILED:
            self._fail(shop, catalogue, product, verdict.reasons or ("Not allowed to be sold.",))
        elif verdict is not None and verdict.status == Audit.PRE_APPROVED:
            self._conclude(shop, catalogue, product, verdict.reasons or (KYC_PENDING,))
        elif verdict is not None:
            self._conclude(shop, catalogue, product, ())
        else:
            self._conclude(shop, catalogue, product, self._missing(shop, product.latest))

    def _missing(self, shop: Shop, content: Content) -> tuple[str, ...]:
        """What keeps a product that passed from being listed."""
        reasons = [KYC_PENDING] if shop.kyc_pending else []
        category = categories.BY_ID[content.category_id]
        if categories.permission(category, shop) == INVITE_ONLY:
            reasons.append(RESTRICTED_CATEGORY_PENDING)
        return tuple(reasons)

    def _conclude(
        self, shop: Shop, catalogue: Catalogue, product: Product, missing: tuple[str, ...]
    ) -> None:
        first = product.status != Status.ACTIVATE
        if missing and first:
            product.pre_approved = missing
            if product.audit != Audit.PRE_APPROVED:
                self._move(shop, catalogue, product, Audit.PRE_APPROVED)
            return
        before, product.content = product.content, product.latest
        product.review = None
        product.pre_approved = ()
        if first:
            catalogue.move(product, Status.ACTIVATE, self._clock.seconds())
        self._move(shop, catalogue, product, Audit.APPROVED)
        if first:
            self.tell_status(shop, product, events.CHANGED if product.passed else events.FIRST_PASS)
        product.passed = True
        self._tell_changes(shop, product, before)

    def _fail(
        self, shop: Shop, catalogue: Catalogue, product: Product, reasons: tuple[str, ...]
    ) -> None:
        product.failed = reasons
        product.review = None
        if product.status != Status.ACTIVATE:
            catalogue.move(product, Status.FAILED, self._clock.seconds())
        self._move(shop, catalogue, product, Audit.FAILED)
        self.tell_status(shop, product, events.AUDIT_FAILURE, "; ".join(reasons))

    def _tell_changes(self, shop: Shop, product: Product, before: Content) -> None:
        after = product.content
        if after == before:
            return
        fields = [
            name
            for name, was, is_now in (
                ("title", before.title, after.title),
                ("description", before.description, after.description),
                ("main_images", before.images, after.images),
                ("product_attributes", before.attributes, after.attributes),
            )
            if was != is_now
        ]
        now = product.update_time
        self._courier.send(
            shop,
            Event.PRODUCT_INFORMATION_CHANGE,
            events.product_information(product.id, fields or ["others"], now),
        )
        if after.category_id != before.category_id:
            data = events.category_changed(product.id, before.category_id, after.category_id, now)
            self._courier.send(shop, Event.PRODUCT_CATEGORY_CHANGE, data)

    def _move(self, shop: Shop, catalogue: Catalogue, product: Product, audit: str) -> None:
        if audit != Audit.PRE_APPROVED:
            product.pre_approved = ()
        if product.audit == audit:
            return
        product.audit = audit
        catalogue.touch(product, self._clock.seconds())
        data = events.audit_status(
            product.id, audit, product.pre_approved, product.update_time, self.form
        )
        self._courier.send(shop, Event.PRODUCT_AUDIT_STATUS_CHANGE, data)
