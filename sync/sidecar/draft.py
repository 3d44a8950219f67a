"""What TikTok is sent of a product, and what it answers. Pure."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from sync.model import Listing, Product, SkuId
from sync.sidecar.goal import weight_g
from sync.sidecar.plan import Goal
from sync.tiktok import wire

FRESH_S = 60.0


def draft(
    product: Product,
    goal: Goal,
    *,
    category_id: str,
    category_version: str,
    uris: Sequence[str],
    warehouse: str,
    remote_skus: Mapping[SkuId, str],
) -> wire.Draft:
    """All of the product. TikTok's ids of the SKUs that it has keep them what they are."""
    return wire.Draft(
        title=product.title,
        description=product.description,
        category_id=category_id,
        category_version=category_version,
        image_uris=tuple(uris),
        external_product_id=product.id,
        package_weight=_weight(product),
        skus=tuple(
            wire.SkuDraft(
                id=remote_skus.get(sku.id),
                external_sku_id=sku.id,
                seller_sku=sku.seller_sku,
                price_minor=sku.price,
                currency=product.currency,
                stock=(wire.Level(warehouse, goal.stocks[sku.id]),),
                sales_attributes=tuple(
                    wire.SalesAttribute(name=name, value=value)
                    for name, value in zip(product.options, sku.options, strict=False)
                    if value
                ),
            )
            for sku in product.skus
        ),
    )


def text(
    product: Product, *, category_id: str, category_version: str, uris: Sequence[str]
) -> wire.Changes:
    """The product without its SKUs, which stay as they are."""
    return wire.Changes(
        title=product.title,
        description=product.description,
        category_id=category_id,
        category_version=category_version,
        image_uris=tuple(uris),
        package_weight=_weight(product),
    )


def sku_ids(
    product: Product, saved: Sequence[wire.SkuId | wire.Sku], before: Mapping[SkuId, str]
) -> dict[SkuId, str]:
    """TikTok's ids of the product's SKUs: by ours, by the shop's codes, or as `before`."""
    ours = {each.external_sku_id: each.id for each in saved if each.external_sku_id}
    codes = {each.seller_sku: each.id for each in saved if each.seller_sku}
    there = {each.id for each in saved}
    found = {}
    for sku in product.skus:
        remote = ours.get(sku.id) or codes.get(sku.seller_sku) or before.get(sku.id)
        if remote is not None and (remote in there or not there):
            found[sku.id] = remote
    return found


def heard(listing: Listing, remote: wire.Product, now: float) -> Listing:
    """`listing` with TikTok's word on it, read at `now`. An older word takes nothing back, and one
    that says nothing changes nothing."""
    told, known = remote.update_time, listing.remote_updated_at
    if remote.id != listing.remote_id or (told is not None and known is not None and told < known):
        return listing
    status = remote.status or listing.status
    audit, pre_approved = listing.audit, listing.pre_approved
    if remote.audit is not None and remote.audit.status is not None:
        audit = remote.audit.status
        pre_approved = remote.audit.pre_approved_reasons or ()
    reasons = _reasons(remote)
    if not reasons and (status, audit) == (listing.status, listing.audit):
        reasons = listing.reasons  # a search gives none
    after = replace(
        listing,
        status=status,
        audit=audit,
        pre_approved=pre_approved,
        reasons=reasons,
        remote_updated_at=known if told is None else told,
        structure="" if _lacks_skus(listing, remote) else listing.structure,
    )
    if remote.status is None or (after == listing and _is_fresh(listing, now)):
        return after
    return replace(after, verdict_at=now)


def wants_reasons(before: Listing, after: Listing) -> bool:
    """Whether TikTok has refused the product since, for reasons that only a get tells."""
    return (
        not after.reasons
        and (after.status, after.audit) != (before.status, before.audit)
        and (after.audit == "FAILED" or after.status in ("FAILED", "PLATFORM_DEACTIVATED"))
    )


def _lacks_skus(listing: Listing, remote: wire.Product) -> bool:
    """Whether TikTok sells other SKUs than those it was sent, of which it has refused some."""
    audit = None if remote.audit is None else remote.audit.status
    if (remote.status, audit) != ("ACTIVATE", "APPROVED") or not remote.skus:
        return False
    return {each.id for each in remote.skus} != set(listing.remote_skus.values())


def _is_fresh(listing: Listing, now: float) -> bool:
    """Whether the same word was heard a moment ago: searches overlap."""
    return listing.verdict_at is not None and 0.0 <= now - listing.verdict_at < FRESH_S


def _reasons(remote: wire.Product) -> tuple[str, ...]:
    found = [
        f"{failure.position}: {reason}" if failure.position else reason
        for failure in remote.audit_failed_reasons
        for reason in failure.reasons
    ]
    return tuple(dict.fromkeys(found))


def _weight(product: Product) -> wire.Weight | None:
    grams = weight_g(product)
    return None if grams is None else wire.Weight(f"{grams / 1000:.3f}", "KILOGRAM")
