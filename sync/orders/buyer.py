"""Whom an order goes to. It is kept sealed, apart from the order, and not for long."""

import msgspec

from sync.secret import Secret, Vault


class Buyer(msgspec.Struct, frozen=True):
    """As the channel or the shop's own checkout wrote it; "" for what nobody said."""

    name: str = ""
    phone: str = ""
    email: str = ""
    address: str = ""
    postal_code: str = ""
    region: str = ""
    message: str = ""

    def __repr__(self) -> str:
        return "Buyer(***)"


def sealed(buyer: Buyer, vault: Vault) -> str:
    return vault.seal(Secret(msgspec.json.encode(buyer).decode()))


def opened(text: str, vault: Vault) -> Buyer:
    """Raises UnreadableSecret where the key that sealed it is no more."""
    return msgspec.json.decode(vault.open(text).reveal(), type=Buyer)
