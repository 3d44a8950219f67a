"""Shops, what they may do, where they send from."""

from typing import Any

from sync.sandbox.call import Call
from sync.sandbox.sellers import REGION_NAMES
from sync.sandbox.wire import PREREQUISITES


def shops(call: Call) -> Any:
    return {
        "shops": [
            {
                "cipher": shop.cipher,
                "code": shop.code,
                "id": shop.id,
                "name": shop.name,
                "region": shop.region,
                "seller_type": shop.seller_type,
            }
            for shop in call.authorization.seller.shops
        ]
    }


def active_shops(call: Call) -> Any:
    return {
        "shops": [
            {"id": shop.id, "region": shop.region} for shop in call.authorization.seller.shops
        ]
    }


def permissions(call: Call) -> Any:
    several = len({shop.region for shop in call.authorization.seller.shops}) > 1
    return {"permissions": ["MANAGE_GLOBAL_PRODUCT"] if several else []}


def warehouses(call: Call) -> Any:
    now = call.world.clock.now()
    region = call.shop.region
    return {
        "warehouses": [
            {
                "address": {
                    "city": "Springfield",
                    "contact_person": call.shop.name,
                    "distict": "",
                    "full_address": f"1 Sandbox Street, Springfield, {REGION_NAMES[region]}",
                    "phone_number": "(+1)2025550100",
                    "postal_code": "00001",
                    "region": REGION_NAMES[region],
                    "region_code": region,
                    "state": "",
                    "town": "",
                },
                "effect_status": call.market.effect_status(place, now),
                "id": place.id,
                "is_default": place.is_default,
                "name": place.name,
                "sub_type": "DOMESTIC_WAREHOUSE",
                "type": place.type,
            }
            for place in call.shop.warehouses
        ]
    }


def prerequisites(call: Call) -> Any:
    failing = call.market.failing()
    return {
        "check_results": [
            {
                "check_item": item,
                "fail_reasons": failing.get(item, []),
                "is_failed": item in failing,
            }
            for item in PREREQUISITES
        ]
    }
