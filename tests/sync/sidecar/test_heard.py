"""TikTok's word on a product, whatever order it comes in."""

from msgspec.structs import replace

from sync.model import Listing, ProductId, SkuId
from sync.sidecar.draft import FRESH_S, heard, wants_reasons
from sync.tiktok import wire

NOW = 1_800_000_000.0
LISTING = Listing(
    ProductId("p_1"),
    "key",
    remote_id="17",
    remote_skus={SkuId("s_1"): "18"},
    structure="small",
)


def word(status: str | None = "ACTIVATE", audit: str = "APPROVED", at: int = 100) -> wire.Product:
    return wire.Product(
        id="17",
        status=status,
        audit=wire.Audit(status=audit),
        skus=(wire.Sku(id="18"),),
        update_time=at,
    )


def test_the_verdict_is_put_down_with_its_time() -> None:
    after = heard(LISTING, word(), NOW)
    assert (after.status, after.audit, after.verdict_at) == ("ACTIVATE", "APPROVED", NOW)
    assert after.remote_updated_at == 100


def test_an_older_word_takes_nothing_back() -> None:
    newer = heard(LISTING, word(), NOW)
    assert heard(newer, word("PENDING", "AUDITING", 99), NOW + 1) == newer


def test_the_same_word_a_moment_later_changes_nothing_and_later_its_age() -> None:
    first = heard(LISTING, word(), NOW)
    assert heard(first, word(), NOW + FRESH_S - 1) == first
    assert heard(first, word(), NOW + FRESH_S).verdict_at == NOW + FRESH_S


def test_a_word_without_a_status_leaves_the_verdict_and_its_age() -> None:
    first = heard(LISTING, word(), NOW)
    after = heard(first, word(None, at=101), NOW + FRESH_S)
    assert (after.status, after.verdict_at) == ("ACTIVATE", NOW)


def test_a_word_on_another_product_of_tiktoks_is_not_heard() -> None:
    other = replace(LISTING, remote_id="99")
    assert heard(other, word(), NOW) == other


def test_other_skus_than_were_sent_are_sent_again_once_it_is_approved() -> None:
    fewer = replace(LISTING, remote_skus={SkuId("s_1"): "18", SkuId("s_2"): "19"})
    assert heard(fewer, word(audit="AUDITING"), NOW).structure == "small"
    assert heard(fewer, word(), NOW).structure == ""
    assert heard(LISTING, word(), NOW).structure == "small"


def test_reasons_are_asked_for_once_after_a_refusal() -> None:
    after = heard(LISTING, word("FAILED", "FAILED"), NOW)
    assert wants_reasons(LISTING, after)
    told = replace(after, reasons=("No.",))
    assert not wants_reasons(told, heard(told, word("FAILED", "FAILED", 101), NOW))
