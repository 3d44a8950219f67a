"""The client over real HTTP, against a server that answers what it is told to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from sync.secret import Secret
from sync.tiktok import wire
from sync.tiktok.client import Authorizer, TikTok
from sync.tiktok.errors import (
    AppRefused,
    BadSignature,
    CodeRefused,
    Misused,
    RateLimited,
    Refused,
    ScopeMissing,
    TikTokError,
    TikTokUnavailable,
    TokenExpired,
    TokenRefused,
    TokenShopMismatch,
    Unreadable,
)
from sync.tiktok.signing import sign
from sync.tiktok.wire import ShopCipher
from tests.sync.tiktok import drafts
from tests.sync.tiktok.scripted import APP_KEY, APP_SECRET, Answer, Scripted, Time, Tokens
from tests.sync.tiktok.scripted import transport as transport_to

SHOP = ShopCipher("GCP_cipher")
PAIR = {
    "access_token": "an-access-token",
    "access_token_expire_in": 1660556783,
    "refresh_token": "a-refresh-token",
    "refresh_token_expire_in": 1691487031,
    "open_id": "7010736057180325637",
    "seller_name": "A shop",
    "seller_base_region": "US",
    "user_type": 0,
    "granted_scopes": ["seller.product.basic"],
}


def signed(asked: Any) -> str:
    multipart = asked.headers["Content-Type"].startswith("multipart/")
    return sign(APP_SECRET, asked.path, asked.query, b"" if multipart else asked.body)


async def test_a_request_is_signed_over_what_is_sent(tiktok: TikTok, scripted: Scripted) -> None:
    scripted.answers = [Answer({"product_id": "1"})]

    await tiktok.create_product(SHOP, drafts.PLAIN, "key-1")

    (asked,) = scripted.asked
    assert (asked.method, asked.path) == ("POST", "/product/202309/products")
    assert asked.query["sign"] == signed(asked)
    assert asked.query["app_key"] == APP_KEY
    assert asked.query["timestamp"] == "1700000000"
    assert asked.query["shop_cipher"] == SHOP
    assert asked.headers["x-tts-access-token"] == "first-access-token"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.json["idempotency_key"] == "key-1"
    assert asked.json["save_mode"] == "LISTING"


async def test_an_image_goes_as_a_form_that_is_not_signed(
    tiktok: TikTok, scripted: Scripted
) -> None:
    scripted.answers = [Answer({"uri": "tos/1", "width": 300})]

    image = await tiktok.upload_image(b"\x89PNG")

    (asked,) = scripted.asked
    assert image.uri == "tos/1"
    assert asked.query["sign"] == signed(asked)
    assert "shop_cipher" not in asked.query
    assert b"\x89PNG" in asked.body
    assert b"MAIN_IMAGE" in asked.body


async def test_a_cipher_with_odd_characters_is_signed_as_it_is_understood(
    tiktok: TikTok, scripted: Scripted
) -> None:
    await tiktok.warehouses(ShopCipher("a+b&c=d é%20/?"))

    (asked,) = scripted.asked
    assert asked.query["shop_cipher"] == "a+b&c=d é%20/?"
    assert asked.query["sign"] == signed(asked)


EVERY_CALL: dict[str, Callable[[TikTok], Awaitable[Any]]] = {
    "shops": lambda tiktok: tiktok.shops(),
    "permissions": lambda tiktok: tiktok.permissions(),
    "active_shops": lambda tiktok: tiktok.active_shops(),
    "warehouses": lambda tiktok: tiktok.warehouses(SHOP),
    "prerequisites": lambda tiktok: tiktok.prerequisites(SHOP),
    "categories": lambda tiktok: tiktok.categories(SHOP),
    "category_rules": lambda tiktok: tiktok.category_rules(SHOP, "600001"),
    "attributes": lambda tiktok: tiktok.attributes(SHOP, "600001"),
    "listing_check": lambda tiktok: tiktok.listing_check(SHOP, drafts.FULL),
    "upload_image": lambda tiktok: tiktok.upload_image(b"image"),
    "create_product": lambda tiktok: tiktok.create_product(SHOP, drafts.FULL, "key"),
    "edit_product": lambda tiktok: tiktok.edit_product(SHOP, "1", drafts.KNOWN),
    "partial_edit": lambda tiktok: tiktok.partial_edit(SHOP, "1", wire.Changes(title="New")),
    "search_products": lambda tiktok: tiktok.search_products(SHOP),
    "get_product": lambda tiktok: tiktok.product(SHOP, "1"),
    "activate": lambda tiktok: tiktok.activate(SHOP, ["1"]),
    "deactivate": lambda tiktok: tiktok.deactivate(SHOP, ["1"]),
    "delete_products": lambda tiktok: tiktok.delete(SHOP, ["1"]),
    "set_stock": lambda tiktok: tiktok.set_stock(SHOP, "1", {"2": [wire.Level("3", 4)]}),
    "read_stock": lambda tiktok: tiktok.read_stock(SHOP, product_ids=["1"]),
    "auto_restock": lambda tiktok: tiktok.auto_restock(SHOP, False),
    "set_prices": lambda tiktok: tiktok.set_prices(
        SHOP, "1", [wire.SkuPriceChange("2", 1050, "USD")]
    ),
    "search_orders": lambda tiktok: tiktok.search_orders(SHOP),
    "get_orders": lambda tiktok: tiktok.orders(SHOP, ["1", "2"]),
    "delivery_options": lambda tiktok: tiktok.delivery_options(SHOP, "1"),
    "shipping_providers": lambda tiktok: tiktok.shipping_providers(SHOP, "1"),
    "mark_shipped": lambda tiktok: tiktok.mark_shipped(
        SHOP, "1", tracking_number="1Z999", provider_id="7"
    ),
    "cancel_order": lambda tiktok: tiktok.cancel_order(SHOP, "1", "seller_cancel_reason"),
    "search_cancellations": lambda tiktok: tiktok.search_cancellations(SHOP),
    "approve_cancellation": lambda tiktok: tiktok.approve_cancellation(SHOP, "1", "key"),
    "search_returns": lambda tiktok: tiktok.search_returns(SHOP),
    "reject_reasons": lambda tiktok: tiktok.reject_reasons(SHOP, "1"),
    "approve_return": lambda tiktok: tiktok.approve_return(SHOP, "1", "APPROVE_REFUND", "key"),
    "reject_return": lambda tiktok: tiktok.reject_return(
        SHOP, "1", "REJECT_REFUND", "too_late", "key"
    ),
    "live_performance": lambda tiktok: tiktok.lives(SHOP, "2026-11-01", "2026-12-01"),
    "set_webhook": lambda tiktok: tiktok.set_webhook(
        SHOP, wire.Topic.ORDER_STATUS_CHANGE, "https://shop.example/webhooks/tiktok"
    ),
    "webhooks": lambda tiktok: tiktok.webhooks(SHOP),
    "delete_webhook": lambda tiktok: tiktok.delete_webhook(SHOP, wire.Topic.ORDER_STATUS_CHANGE),
}
CALLS = {call.name: call for call in wire.CALLS}
ENOUGH = {"id": "1", "uri": "tos/1", "product_id": "1"}


@pytest.mark.parametrize("name", EVERY_CALL)
async def test_every_call_goes_where_its_line_in_wire_says(
    name: str, tiktok: TikTok, scripted: Scripted
) -> None:
    scripted.answers = [Answer(ENOUGH)]

    await EVERY_CALL[name](tiktok)

    (asked,) = scripted.asked
    call = CALLS[name]
    assert asked.method == call.method
    assert asked.path in (
        call.path,
        call.path.replace("{id}", "1"),
        call.path.replace("{id}", "600001"),
    )
    assert ("shop_cipher" in asked.query) == call.of_shop
    assert asked.query["sign"] == signed(asked)


def test_there_is_a_method_for_every_call() -> None:
    assert EVERY_CALL.keys() == CALLS.keys() - {"exchange", "refresh"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(code=105005, message="no scope", status=401), ScopeMissing),
        (Answer(code=101000, message="other shop", status=400), TokenShopMismatch),
        (Answer(code=106001, message="bad sign", status=401), BadSignature),
        (Answer(code=106013, message="no shop_cipher", status=400), Misused),
        (Answer(code=36009009, message="path", status=404), Misused),
        (Answer(code=36009010, message="method", status=405), Misused),
        (Answer(code=36009014, message="version", status=400), Misused),
        (Answer(code=36009033, message="address", status=403), AppRefused),
        (Answer(code=36009004, message="Invalid access_token", status=401), TokenRefused),
        (Answer(code=36009004, message="Invalid sign", status=401), BadSignature),
        (Answer(code=36009004, message="Invalid app_key", status=401), AppRefused),
        (Answer(code=36009004, message="Invalid timestamp", status=401), AppRefused),
        (Answer(code=36009004, message="Unexpected identifier", status=401), Misused),
        (Answer(code=12052700, message="Title invalid"), Refused),
        (Answer(code=12052700, message="Title invalid", status=400), Refused),
        (Answer(raw=b"<html>", status=404), Misused),
    ],
)
async def test_what_trying_again_does_not_change_is_said_at_once(
    answer: Answer, error: type[TikTokError], tiktok: TikTok, scripted: Scripted, time: Time
) -> None:
    scripted.answers = [answer]

    with pytest.raises(TikTokError) as raised:
        await tiktok.warehouses(SHOP)

    assert type(raised.value) is error
    if answer.raw is None:
        assert raised.value.code == answer.code
        assert raised.value.request_id == "r1"
        assert answer.message in str(raised.value)
    assert time.slept == []


@pytest.mark.parametrize(
    "answer",
    [
        Answer(code=36009003, status=500),
        Answer(code=36009003),
        Answer(code=36009007, status=504),
        Answer(code=12052700, status=500),
        Answer(code=0, status=503),
        Answer(status=503, raw=b"busy"),
        Answer(status=502, raw=b""),
        Answer(raw=b"no JSON"),
        Answer(raw=b"[]"),
        Answer(raw=b'{"code": true}'),
    ],
)
async def test_what_passes_is_tried_again_with_growing_pauses(
    answer: Answer, tiktok: TikTok, scripted: Scripted, time: Time
) -> None:
    scripted.answers = [answer, answer, answer, answer, Answer({"warehouses": [{"id": "1"}]})]

    assert await tiktok.warehouses(SHOP) == (wire.Warehouse(id="1"),)
    assert [pause for pause in time.slept if pause >= 1] == [1.25, 2.25, 4.25, 8.25]


async def test_a_lost_connection_is_tried_again(tiktok: TikTok, scripted: Scripted) -> None:
    scripted.answers = [Answer(drop=True), Answer(drop=True)]

    await tiktok.listing_check(SHOP, drafts.PLAIN)

    assert len(scripted.asked) == 3


async def test_five_tries_are_enough(tiktok: TikTok, scripted: Scripted) -> None:
    scripted.otherwise = lambda asked: Answer(code=36009003, message="internal")

    with pytest.raises(TikTokUnavailable, match="internal"):
        await tiktok.warehouses(SHOP)

    assert len(scripted.asked) == 5


async def test_a_code_is_not_sent_twice_since_it_works_once(
    authorizer: Authorizer, scripted: Scripted
) -> None:
    scripted.otherwise = lambda asked: Answer(code=36009003)

    with pytest.raises(TikTokUnavailable):
        await authorizer.exchange(Secret("a-code-of-consent"))

    assert len(scripted.asked) == 1


async def test_no_answer_in_time_is_unavailable_after_tries(
    session: aiohttp.ClientSession, scripted: Scripted, time: Time, tokens: Tokens
) -> None:
    tiktok = TikTok(transport_to(session, scripted.url, time, timeout_s=0.05), tokens)
    scripted.otherwise = lambda asked: Answer(late=True)

    with pytest.raises(TikTokUnavailable, match="in time"):
        await tiktok.warehouses(SHOP)

    assert len(scripted.asked) == 5


async def test_a_create_whose_answer_was_lost_is_sent_again_with_the_same_key(
    tiktok: TikTok, scripted: Scripted
) -> None:
    scripted.answers = [Answer(drop=True), Answer({"product_id": "1"})]

    saved = await tiktok.create_product(SHOP, drafts.PLAIN, "key-1")

    assert saved.product_id == "1"
    assert [asked.json["idempotency_key"] for asked in scripted.asked] == ["key-1", "key-1"]


@pytest.mark.parametrize(
    "refusal",
    [
        Answer(code=36009002, status=429),
        Answer(code=36009002),
        Answer(code=12052700, status=429),
        Answer(status=429, raw=b"slow down"),
    ],
)
async def test_retry_after_is_honoured(
    refusal: Answer, tiktok: TikTok, scripted: Scripted, time: Time
) -> None:
    refusal.headers["Retry-After"] = "7"
    scripted.answers = [refusal, Answer({})]
    began = time.now()

    await tiktok.warehouses(SHOP)

    assert 7.0 <= time.now() - began <= 8.0


async def test_a_long_retry_after_is_told_instead_of_waited_for(
    tiktok: TikTok, scripted: Scripted, time: Time
) -> None:
    scripted.answers = [Answer(code=36009002, status=429, headers={"Retry-After": "3600"})]

    with pytest.raises(RateLimited) as raised:
        await tiktok.warehouses(SHOP)

    assert raised.value.retry_after_s == 3600
    with pytest.raises(RateLimited) as raised:
        await tiktok.warehouses(SHOP)
    assert raised.value.retry_after_s == 3600
    assert len(scripted.asked) == 1
    assert time.slept == []


async def test_rate_limits_end_after_five_tries(tiktok: TikTok, scripted: Scripted) -> None:
    scripted.otherwise = lambda asked: Answer(code=36009002, status=429)

    with pytest.raises(RateLimited):
        await tiktok.warehouses(SHOP)

    assert len(scripted.asked) == 5


async def test_calls_of_another_kind_go_on_while_one_is_refused(
    tiktok: TikTok, scripted: Scripted, time: Time
) -> None:
    scripted.answers = [Answer(code=36009002, status=429, headers={"Retry-After": "3600"})]
    with pytest.raises(RateLimited):
        await tiktok.warehouses(SHOP)

    await tiktok.shops()

    assert time.slept == []


async def test_many_workers_wait_together_instead_of_storming(
    tiktok: TikTok, scripted: Scripted, time: Time
) -> None:
    refused_until = time.now() + 5
    refusals = 0

    def limited(asked: Any) -> Answer:
        nonlocal refusals
        if time.now() < refused_until:
            refusals += 1
            return Answer(code=36009002, status=429, headers={"Retry-After": "5"})
        return Answer({})

    scripted.otherwise = limited

    await asyncio.gather(*(tiktok.warehouses(SHOP) for _ in range(100)))

    assert refusals <= 30
    assert len(scripted.asked) == 100 + refusals


async def test_an_expired_token_is_renewed_once_and_the_call_made_again(
    tiktok: TikTok, scripted: Scripted, tokens: Tokens
) -> None:
    def guarded(asked: Any) -> Answer:
        if asked.headers["x-tts-access-token"] == "first-access-token":
            return Answer(code=105002, message="expired", status=401)
        return Answer({"warehouses": [{"id": "1"}]})

    scripted.otherwise = guarded

    answers = await asyncio.gather(*(tiktok.warehouses(SHOP) for _ in range(20)))

    assert answers == [(wire.Warehouse(id="1"),)] * 20
    assert tokens.renewals == 1


async def test_a_renewed_token_that_is_expired_as_well_is_an_error(
    tiktok: TikTok, scripted: Scripted, tokens: Tokens
) -> None:
    scripted.otherwise = lambda asked: Answer(code=105002, message="expired", status=401)

    with pytest.raises(TokenExpired):
        await tiktok.warehouses(SHOP)

    assert tokens.renewals == 1


async def test_a_token_refused_because_it_was_renewed_meanwhile_is_no_refusal(
    tiktok: TikTok, scripted: Scripted, tokens: Tokens
) -> None:
    def renewing(asked: Any) -> Answer:
        if asked.headers["x-tts-access-token"] == "first-access-token":
            tokens.current = Secret("renewed-by-another")
            return Answer(code=36009004, message="Invalid access_token", status=401)
        return Answer({})

    scripted.otherwise = renewing

    await tiktok.warehouses(SHOP)

    assert tokens.renewals == 0
    assert len(scripted.asked) == 2


async def test_a_batch_that_failed_in_part_is_data(tiktok: TikTok, scripted: Scripted) -> None:
    scripted.answers = [
        Answer(
            {
                "errors": [
                    {
                        "code": 12052990,
                        "message": "batch",
                        "detail": {
                            "sku_id": 1729592969712207013,
                            "extra_errors": [
                                {"code": 12052003, "message": "not live", "warehouse_id": "7"}
                            ],
                        },
                    }
                ]
            }
        )
    ]

    (error,) = await tiktok.set_stock(
        SHOP, "1", {"1729592969712207013": [wire.Level("7", 5)], "2": [wire.Level("7", 0)]}
    )

    assert error.sku_id == "1729592969712207013"
    assert error.reason == "not live"
    assert scripted.asked[0].json == {
        "skus": [
            {
                "id": "1729592969712207013",
                "inventory": [{"warehouse_id": "7", "quantity": 5}],
            },
            {"id": "2", "inventory": [{"warehouse_id": "7", "quantity": 0}]},
        ]
    }


async def test_pages_are_followed_to_the_end(tiktok: TikTok, scripted: Scripted) -> None:
    scripted.answers = [
        Answer({"products": [{"id": "1"}], "next_page_token": "t1", "total_count": 3}),
        Answer({"products": [{"id": "2"}], "next_page_token": "t2", "total_count": 3}),
        Answer({"products": [{"id": "3"}], "next_page_token": "", "total_count": 3}),
    ]

    pages = [page async for page in tiktok.product_pages(SHOP)]

    assert [product.id for page in pages for product in page.items] == ["1", "2", "3"]
    assert [asked.query.get("page_token") for asked in scripted.asked] == [None, "t1", "t2"]
    assert {asked.query["page_size"] for asked in scripted.asked} == {"100"}


async def test_pages_that_lead_in_a_circle_end(tiktok: TikTok, scripted: Scripted) -> None:
    scripted.otherwise = lambda asked: Answer({"orders": [], "next_page_token": "t"})

    with pytest.raises(Unreadable, match="lead nowhere"):
        async for _ in tiktok.order_pages(SHOP):
            pass

    assert len(scripted.asked) == 2


@pytest.mark.parametrize("data", [{"items": [], "total_count": 3}, {"next_page_token": "t"}])
async def test_a_renamed_list_is_never_taken_for_an_empty_one(
    data: Any, tiktok: TikTok, scripted: Scripted
) -> None:
    scripted.answers = [Answer(data)]

    with pytest.raises(Unreadable):
        await tiktok.search_products(SHOP)


async def test_nothing_found_may_come_without_a_list(tiktok: TikTok, scripted: Scripted) -> None:
    scripted.answers = [Answer({"total_count": 0}), Answer(None), Answer({"products": None})]

    for _ in range(3):
        assert (await tiktok.search_products(SHOP)).items == ()


async def test_what_is_new_is_logged_once(
    tiktok: TikTok, scripted: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sync.tiktok")
    scripted.otherwise = lambda asked: Answer(
        {"warehouses": [{"id": "1", "effect_status": "ON_FIRE", "moons": 2}]}
    )

    for _ in range(3):
        warehouses = await tiktok.warehouses(SHOP)

    assert warehouses is not None
    assert [each.effect_status for each in warehouses] == ["ON_FIRE"]
    assert [record.getMessage() for record in caplog.records] == [
        "tiktok_unknown_field call=warehouses at='data.warehouses[].moons'",
        "tiktok_unknown_value call=warehouses at='data.warehouses[].effect_status=ON_FIRE'",
    ]


async def test_an_answer_without_its_id_is_unreadable(tiktok: TikTok, scripted: Scripted) -> None:
    scripted.answers = [Answer({"product": "1"})]

    with pytest.raises(Unreadable, match=r"create_product has no data\.product_id"):
        await tiktok.create_product(SHOP, drafts.PLAIN, "key")


async def test_a_redirect_never_carries_the_token_along(tiktok: TikTok, scripted: Scripted) -> None:
    scripted.otherwise = lambda asked: Answer(
        raw=b"", status=302, headers={"Location": scripted.url + "/elsewhere"}
    )

    with pytest.raises(TikTokUnavailable):
        await tiktok.warehouses(SHOP)

    assert {asked.path for asked in scripted.asked} == {"/logistics/202309/warehouses"}


async def test_a_code_becomes_a_pair_of_tokens(authorizer: Authorizer, scripted: Scripted) -> None:
    scripted.answers = [Answer(PAIR)]

    pair = await authorizer.exchange(Secret("a-code-of-consent"))

    (asked,) = scripted.asked
    assert (asked.method, asked.path) == ("GET", "/api/v2/token/get")
    assert asked.query == {
        "app_key": APP_KEY,
        "app_secret": APP_SECRET.reveal(),
        "auth_code": "a-code-of-consent",
        "grant_type": "authorized_code",
    }
    assert pair.access_token.reveal() == "an-access-token"
    assert pair.access_token_expires_at == 1660556783
    assert pair.refresh_token.reveal() == "a-refresh-token"
    assert pair.refresh_token_expires_at == 1691487031
    assert pair.granted_scopes == ("seller.product.basic",)
    assert "an-access-token" not in repr(pair)


async def test_a_refresh_token_becomes_the_next_pair(
    authorizer: Authorizer, scripted: Scripted
) -> None:
    scripted.answers = [Answer(PAIR)]

    await authorizer.refresh(Secret("an-old-refresh-token"))

    (asked,) = scripted.asked
    assert asked.path == "/api/v2/token/refresh"
    assert asked.query["refresh_token"] == "an-old-refresh-token"
    assert asked.query["grant_type"] == "refresh_token"


@pytest.mark.parametrize("code", [36004004, 36004999])
async def test_a_code_and_a_refresh_token_that_are_no_good_are_told_apart(
    code: int, authorizer: Authorizer, scripted: Scripted
) -> None:
    scripted.otherwise = lambda asked: Answer(code=code, message="no good")

    with pytest.raises(CodeRefused):
        await authorizer.exchange(Secret("a-code-of-consent"))
    with pytest.raises(TokenRefused):
        await authorizer.refresh(Secret("an-old-refresh-token"))


async def test_secrets_are_in_no_error_and_no_log(
    session: aiohttp.ClientSession,
    scripted: Scripted,
    time: Time,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = Secret("a-very-secret-token")
    said = []
    for answer, url in [
        (Answer(code=36004004, message=f"bad {secret.reveal()} {APP_SECRET.reveal()}"), None),
        (Answer(code=36009003, message=f"bad {secret.reveal()}"), None),
        (Answer(drop=True), None),
        (Answer(late=True), None),
        (Answer(raw=secret.reveal().encode(), status=500), None),
        (Answer(), "http://127.0.0.1:1"),
    ]:
        scripted.otherwise = lambda asked, answer=answer: answer  # type: ignore[misc]
        to = transport_to(session, url or scripted.url, time, timeout_s=0.1)
        with pytest.raises(TikTokError) as raised:
            await Authorizer(to).refresh(secret)
        said += [str(raised.value), repr(raised.value), str(raised.value.args)]
        cause = raised.value.__cause__ or raised.value.__context__
        assert raised.value.__suppress_context__ or cause is None

    # The sender's own access log is of the server, not of the client.
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("sync.")]
    text = "\n".join(said + ours)
    assert secret.reveal() not in text
    assert APP_SECRET.reveal() not in text
