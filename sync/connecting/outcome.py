"""How a seller's way back from the consent page can end: every outcome, in words for them."""

from typing import Literal, get_args

import msgspec

OutcomeCode = Literal[
    "connected",
    "choose_shop",
    "going_on",
    "denied",
    "no_state",
    "other_browser",
    "used_state",
    "expired_state",
    "no_code",
    "code_refused",
    "not_a_seller",
    "no_shop",
    "scopes_missing",
    "app_refused",
    "tiktok_changed",
]


class Outcome(msgspec.Struct, frozen=True):
    """`text` says what happened and what to do next."""

    code: OutcomeCode
    text: str

    @property
    def is_refusal(self) -> bool:
        return self.code not in ("connected", "choose_shop", "going_on")


def refusal(code: str, text: str) -> Outcome:
    """The outcome that was stored as these."""
    codes: tuple[OutcomeCode, ...] = get_args(OutcomeCode)
    return Outcome(next((each for each in codes if each == code), "code_refused"), text)


_AGAIN = "Go back to Shopcast and connect again."

DENIED = Outcome("denied", f"TikTok was not allowed to let Shopcast in. {_AGAIN}")
NO_STATE = Outcome("no_state", f"This address lacks a part of what TikTok sends back. {_AGAIN}")
OTHER_BROWSER = Outcome(
    "other_browser",
    "This browser did not begin this connection, or has begun another one since. "
    f"{_AGAIN[:-1]} in one browser from beginning to end.",
)
USED_STATE = Outcome(
    "used_state",
    "This link was used before, and works once. Shopcast shows how that ended; if the shop is not "
    "connected there, connect again.",
)
EXPIRED_STATE = Outcome("expired_state", f"This took longer than half an hour. {_AGAIN}")
NO_CODE = Outcome("no_code", f"TikTok sent no code along. {_AGAIN}")
CODE_REFUSED = Outcome(
    "code_refused",
    f"TikTok does not take its own code any more: it is too old, or was used before. {_AGAIN}",
)
TOO_LATE = Outcome(
    "code_refused", f"TikTok did not answer for as long as its code was good. {_AGAIN}"
)
KEYS_CHANGED = Outcome(
    "code_refused", f"This server's secret keys were changed meanwhile. {_AGAIN}"
)
NOT_A_SELLER = Outcome(
    "not_a_seller",
    "The account that agreed is a creator's or a partner's. Connect again with the account of "
    "the TikTok Shop.",
)
NO_SHOP = Outcome(
    "no_shop",
    "This TikTok account has no shop that Shopcast was let into. Open a TikTok Shop with it, or "
    "connect again with the account that has one.",
)
TIKTOK_CHANGED = Outcome(
    "tiktok_changed",
    "TikTok's answer was not understood: this version of Shopcast may be too old for it.",
)
GOING_ON = Outcome(
    "going_on",
    "TikTok does not answer just now. Nothing is to be done: Shopcast goes on by itself as soon "
    "as it does.",
)
CHOOSE_SHOP = Outcome(
    "choose_shop", "This account has several shops. Go back to Shopcast and choose one."
)


def connected(shop: str) -> Outcome:
    return Outcome("connected", f"{shop} is connected. You can close this page.")


def scopes_missing(scopes: tuple[str, ...]) -> Outcome:
    return Outcome(
        "scopes_missing",
        f"TikTok did not grant all that Shopcast needs: {', '.join(scopes)} is missing. Add it to "
        "the app in TikTok's Partner Center, then connect again.",
    )


def app_refused(reason: str) -> Outcome:
    return Outcome(
        "app_refused",
        f"TikTok does not take this server's app ({reason}). Whoever runs it has to look at "
        "SHOPCAST_TIKTOK_APP_KEY and SHOPCAST_TIKTOK_APP_SECRET, then connect again.",
    )
