"""The warnings before an authorization ends: thirty days ahead, then every day."""

from functools import partial

from sync.sandbox import events
from sync.sandbox.tokens import Authorization
from sync.sandbox.wire import Event
from sync.sandbox.world import DAY_S, World

WARN_DAYS = 30


def announce(world: World, authorization: Authorization) -> None:
    """Warn of the end of `authorization` when the time comes, unless another has replaced it."""
    first = authorization.expires_at - WARN_DAYS * DAY_S
    world.clock.at(max(first, world.clock.now()), partial(_warn, world, authorization))


def deauthorize(world: World, key: str) -> None:
    """A seller takes the app's permission back. Raises ControlError."""
    seller = world.seller(key)
    world.tokens.revoke(seller)
    for shop in seller.shops:
        world.courier.send(shop, Event.SELLER_DEAUTHORIZATION, events.deauthorized(shop.id))


def _warn(world: World, authorization: Authorization) -> None:
    seller = authorization.seller
    left_s = authorization.expires_at - world.clock.now()
    if left_s <= 0 or world.tokens.current.get(seller.key) is not authorization:
        return
    days = int(left_s // DAY_S)
    for shop in seller.shops:
        data = events.expiring(shop.id, days, authorization.expires_at)
        world.courier.send(shop, Event.UPCOMING_AUTHORIZATION_EXPIRATION, data)
    world.clock.after(DAY_S, partial(_warn, world, authorization))
