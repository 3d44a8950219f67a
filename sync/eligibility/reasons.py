"""Every reason that a badge can give: the one table of codes, what each does, and how to mend it.

docs/eligibility.md is made from it.
"""

import functools

import msgspec

from sync.model import Eligibility, Reason


class Kind(msgspec.Struct, frozen=True):
    """`eligibility` is the best that a product can have while the reason holds. The braces of
    `text` are filled with what was found."""

    eligibility: Eligibility
    text: str
    mend: str


_NOTHING = "Nothing to do."

LOCAL: dict[str, Kind] = {
    "not_active": Kind(
        "ineligible",
        "the product is {status}, and only active ones are sold",
        "Set its status to active.",
    ),
    "left_out": Kind(
        "ineligible",
        "the shop leaves it out of this channel",
        "Take the channel out of the product's left_out to sell it here.",
    ),
    "left_out_by_limit": Kind(
        "ineligible",
        "it is not listed: {why}",
        "Put it on the next show's rundown, leave others out, or reach the next tier.",
    ),
    "title_missing": Kind("ineligible", "it has no title", "Give it a title."),
    "title_long": Kind(
        "ineligible",
        "its title has {length} characters, and TikTok takes {most}",
        "Shorten the title.",
    ),
    "description_missing": Kind("ineligible", "it has no description", "Describe it."),
    "description_long": Kind(
        "ineligible",
        "its description has {length} characters of HTML, and TikTok takes {most}",
        "Shorten the description.",
    ),
    "skus_none": Kind("ineligible", "it has no variant to sell", "Add a variant."),
    "skus_many": Kind(
        "ineligible",
        "it has {count} variants, and TikTok takes {most}",
        "Split it into several products.",
    ),
    "options_many": Kind(
        "ineligible",
        "it varies in {count} options, and TikTok takes {most}",
        "Split it into several products.",
    ),
    "price_low": Kind(
        "ineligible",
        "a variant costs {price}, and TikTok's lowest price is {least}",
        "Raise the price.",
    ),
    "price_high": Kind(
        "ineligible",
        "a variant costs {price}, and TikTok's highest price is {most}",
        "Lower the price, or sell it elsewhere.",
    ),
    "currency_wrong": Kind(
        "ineligible",
        "its price is in {currency}, and the shop at TikTok sells in {wanted}",
        "Give its price in {wanted}.",
    ),
    "seller_sku_missing": Kind(
        "ineligible",
        "{count} of its variants have no SKU code of yours",
        "Give every variant its own SKU code.",
    ),
    "seller_sku_bad": Kind(
        "ineligible",
        "the SKU code {found!r} has a space or more than {most} characters",
        "Shorten the SKU code, and take spaces out of it.",
    ),
    "images_none": Kind("ineligible", "it has no picture", "Add a picture."),
    "images_waiting": Kind("pending", "its pictures have not been fetched yet", _NOTHING),
    "images_unusable": Kind(
        "ineligible",
        "none of its pictures can be used: {why}",
        "Add a JPEG, PNG or WebP picture of 300 to 4000 pixels on each side and 10 MB at most.",
    ),
    "category_unmapped": Kind(
        "ineligible",
        "there is no TikTok category for products of the type {type!r}",
        "Choose a category for this type.",
    ),
    "categories_unknown": Kind("unknown", "TikTok's categories have not been read yet", _NOTHING),
    "category_gone": Kind(
        "ineligible",
        "TikTok no longer has the category {category} that was chosen for its type",
        "Choose another category for this type.",
    ),
    "category_not_leaf": Kind(
        "ineligible",
        "{category} is a group of categories at TikTok",
        "Choose a category inside it for this type.",
    ),
    "category_invite_only": Kind(
        "pending",
        "TikTok lets only shops that it has invited sell in {category}",
        "Apply for the category in TikTok's Seller Center, or choose another one.",
    ),
    "category_not_main": Kind(
        "ineligible",
        "{category} is outside the main category of the shop at TikTok",
        "Choose a category inside it, or apply for this one in TikTok's Seller Center.",
    ),
    "category_permission_unknown": Kind(
        "unknown",
        "TikTok says {permission!r} of {category}, which this version does not know",
        "See in TikTok's Seller Center whether the category is open to the shop.",
    ),
    "rules_unknown": Kind(
        "unknown", "what TikTok asks of products in {category} has not been read yet", _NOTHING
    ),
    "rules_stale": Kind(
        "unknown",
        "what TikTok asks of products in {category} was last read too long ago",
        "See under Channels whether TikTok answers.",
    ),
    "certification_missing": Kind(
        "ineligible",
        "TikTok wants a certificate for it: {names}",
        "Add the certificate to the product, and upload it in TikTok's Seller Center.",
    ),
    "sold_out": Kind("eligible", "none are left", "Set its stock when there are more."),
}
"""What the shop itself can see. Of a product that is sold out, the badge's flag tells."""

SHOP: dict[str, Kind] = {
    "not_connected": Kind("unknown", "no TikTok Shop is connected", "Connect it under Channels."),
    "deauthorized": Kind(
        "unknown",
        "the seller has taken back what this server was allowed to do at TikTok",
        "Connect the shop again under Channels.",
    ),
    "authorization_expired": Kind(
        "unknown", "the connection to TikTok has run out", "Connect the shop again under Channels."
    ),
    "shop_unknown": Kind("unknown", "TikTok has not yet said whether the shop may sell", _NOTHING),
    "shop_stale": Kind(
        "unknown",
        "TikTok's last word on the shop is too old",
        "See under Channels whether TikTok answers.",
    ),
    "prerequisite_failed": Kind(
        "ineligible",
        "the shop at TikTok is not ready: {items}",
        "Mend it in TikTok's Seller Center.",
    ),
    "kyc_pending": Kind(
        "pending",
        "TikTok is still verifying who runs the shop",
        "Finish the verification in TikTok's Seller Center.",
    ),
    "warehouse_none": Kind(
        "ineligible",
        "the shop at TikTok has no warehouse",
        "Add one in TikTok's Seller Center.",
    ),
    "warehouse_disabled": Kind(
        "ineligible",
        "the shop's warehouse is switched off at TikTok",
        "Switch it on in TikTok's Seller Center.",
    ),
    "warehouse_restricted": Kind(
        "pending",
        "TikTok takes no orders for the shop at present: it is in holiday mode, or has reached "
        "its limit of orders",
        "End the holiday mode in TikTok's Seller Center, or wait until the limit is lifted.",
    ),
    "warehouse_unknown": Kind(
        "unknown",
        "TikTok says {status!r} of the shop's warehouse, which this version does not know",
        "See in TikTok's Seller Center whether the warehouse is on.",
    ),
    "orders_used_up": Kind(
        "pending",
        "0 of {limit} orders left today",
        "Wait until tomorrow (UTC), or reach the next tier.",
    ),
    "orders_left": Kind("eligible", "{left} of {limit} orders left today", _NOTHING),
}
"""What holds for every product of the shop at TikTok."""

VERDICT: dict[str, Kind] = {
    "not_listed": Kind(
        "pending",
        "it is not at TikTok yet",
        "Nothing to do: it is sent by itself, once nothing else here is in its way.",
    ),
    "sync_off": Kind(
        "pending",
        "it is not at TikTok yet, and nothing is sent there by itself",
        "Switch automatic sync on under Channels.",
    ),
    "listing_limit": Kind(
        "pending",
        "it is not at TikTok yet, and TikTok takes no more products of the shop",
        "Leave out other products, or reach the next tier.",
    ),
    "create_refused": Kind(
        "ineligible",
        "TikTok did not take it: {message} ({code})",
        "Mend what TikTok names; it is sent again by itself.",
    ),
    "change_refused": Kind(
        "pending",
        "TikTok did not take the latest change: {message} ({code})",
        "Mend what TikTok names; it is sent again by itself.",
    ),
    "sku_refused": Kind(
        "pending",
        "TikTok did not take {count} of its variants: {message}",
        "Mend what TikTok names; it is sent again by itself.",
    ),
    "draft": Kind(
        "pending",
        "it is a draft at TikTok",
        "Nothing to do if it was just sent; else publish it in TikTok's Seller Center.",
    ),
    "in_review": Kind("pending", "TikTok is reviewing it", "Wait: it can take two days."),
    "change_in_review": Kind(
        "pending",
        "TikTok is reviewing a change of it, and sells it as it was before",
        "Wait: it can take two days.",
    ),
    "not_reviewed": Kind("pending", "TikTok has not reviewed it", "Wait for TikTok's review."),
    "pre_approved": Kind(
        "pending",
        "TikTok has approved it on a condition that is not met yet{reasons}",
        "See in TikTok's Seller Center what it waits for.",
    ),
    "pre_approved_kyc": Kind(
        "pending",
        "TikTok has approved it, and sells it once it has verified who runs the shop",
        "Finish the verification in TikTok's Seller Center.",
    ),
    "pre_approved_category": Kind(
        "pending",
        "TikTok has approved it, and the shop may not sell in its restricted category yet",
        "Apply for the category in TikTok's Seller Center.",
    ),
    "review_failed": Kind(
        "ineligible",
        "TikTok has refused it{reasons}",
        "Mend what TikTok names; the change is sent by itself.",
    ),
    "seller_deactivated": Kind(
        "ineligible",
        "it is deactivated at TikTok",
        "Activate it in TikTok's Seller Center; TikTok then reviews it again.",
    ),
    "parked": Kind(
        "ineligible",
        "it was deactivated at TikTok while it was not to be sold there",
        "Nothing to do: once it is to be sold there, it is activated by itself, and TikTok reviews "
        "it again.",
    ),
    "platform_deactivated": Kind(
        "ineligible",
        "TikTok has taken it off sale{reasons}",
        "Appeal in TikTok's Seller Center, or mend what TikTok names.",
    ),
    "frozen": Kind(
        "ineligible",
        "TikTok has frozen it{reasons}",
        "Appeal in TikTok's Seller Center.",
    ),
    "deleted": Kind(
        "ineligible",
        "it was deleted at TikTok",
        "Recover it in TikTok's Seller Center, or make it anew here.",
    ),
    "status_unknown": Kind(
        "unknown",
        "TikTok gives it the status {status!r}, which this version does not know",
        "See in TikTok's Seller Center whether it is on sale.",
    ),
    "audit_unknown": Kind(
        "unknown",
        "TikTok says {audit!r} of its review, which this version does not know",
        "See in TikTok's Seller Center whether it is on sale.",
    ),
    "verdict_missing": Kind("unknown", "TikTok has not said yet what it makes of it", _NOTHING),
    "verdict_stale": Kind(
        "unknown",
        "TikTok's last word on it, {status} and {audit}, is too old",
        "See under Channels whether TikTok answers.",
    ),
    "on_sale": Kind("eligible", "TikTok has approved it and sells it", _NOTHING),
}
"""What TikTok makes of the product."""

OTHER: dict[str, Kind] = {
    "not_looked": Kind("unknown", "it has not been looked at yet", _NOTHING),
    "sold_here": Kind("eligible", "the shop sells it here by itself", _NOTHING),
    "store_away": Kind(
        "unknown",
        "the server's store (Redis) does not answer, so that nothing new is known",
        "Nothing to do for the show; the operator sees to the store.",
    ),
    "product_gone": Kind("ineligible", "the product was deleted", "Take it off the rundown."),
}
"""Of channels that nobody but the shop decides on, and of what could not be looked at."""

REASONS: dict[str, Kind] = LOCAL | SHOP | VERDICT | OTHER


def reason(code: str, /, **found: object) -> Reason:
    """The reason of that code, with what was found in its words. Raises KeyError for a code, or
    something found, that the table has not."""
    if not found:
        return _plain(code)
    kind = REASONS[code]
    return Reason(code, kind.text.format(**found), kind.mend.format(**found))


@functools.cache
def _plain(code: str) -> Reason:
    return Reason(code, REASONS[code].text.format(), REASONS[code].mend.format())
