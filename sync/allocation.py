"""What may become of stock: taken in for orders, set aside for channels, given back. Pure.

The scripts of store/lua do the same in Redis, and a property test holds them to it.

Of each SKU always on_hand = free + quotas + committed, none of them below 0. A channel that has a
quota is bounded by it: its quota is at least what the channel still offers and what it has sold
that is not taken in yet. Whatever may have broken that bound puts the channel in `unbound`: what
is offered there next is 0, until it was read there that no more than the quota is offered.

- Units of a channel's order come from its quota, then from what is free; units of an order of the
  shop's own, and those that were short before, from what is free.
- Units that a channel's order gives back go to its quota: it may offer them again by itself.
- A level is offered only while the units of all levels that may still be in force are set aside.
- What was read of a channel counts if nothing came between that its generation tells of.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from sync.errors import Shortage
from sync.model import ChannelId, SkuId, Stock
from sync.orders.order import Claim, Held, LineId

WANTED_S = 30.0
"""How long units are asked back from channels for an order that lacks them: it is tried again
before."""


class Allocation(NamedTuple):
    """What an order's claims lead to: the stocks that change, and what the order has of each line.
    With `shortages` it was refused: `held` is as before, and of `stocks` only `wanted` differs."""

    stocks: dict[SkuId, Stock]
    held: dict[LineId, Held]
    shortages: tuple[Shortage, ...] = ()


class Reserved(NamedTuple):
    """The level that may be offered now, and the generation that it is. `exact`: the channel had
    nothing to sell before, so when it has taken the level, that much is there. `sold` are the units
    taken in so far, as Found needs them."""

    level: int
    exact: bool
    generation: int
    sold: int


class Found(NamedTuple):
    """What a channel has: `units`, read after `generation` and `sold` were known (of its
    Stock.generations and Stock.sold, 0 where there is none, or of Reserved), and before a poll of
    its orders began that is taken in by now. Whether it was in doubt does not matter."""

    units: int
    generation: int
    sold: int


class Settled(NamedTuple):
    """`stock` is None where something came between, and then nothing was done. `drift` are units
    that the channel offered beyond all that was set aside for it; it stays in doubt then."""

    stock: Stock | None
    drift: int = 0


def allocation(
    stocks: Mapping[SkuId, Stock],
    held: Mapping[LineId, Held],
    claims: Sequence[Claim],
    channel: ChannelId,
    *,
    at: float,
    is_strict: bool = False,
    is_known: bool = False,
) -> Allocation:
    """Back each of `claims` of one order of `channel` as far as there is stock, one after the
    other. A line keeps the SKU that it had first, and one that is not claimed what it has. Units
    that are short are wanted, so that not all that comes is set aside for channels again.

    `held` is what the order has so far; of a SKU that is not in `stocks` there is nothing.
    `is_strict`: all or nothing. `is_known`: the order was taken in before, so that a line that has
    nothing yet was one of no SKU of ours, as it seemed; what was settled meanwhile may be wrong.
    """
    changed: dict[SkuId, Stock] = {}
    now_held = dict(held)
    needs: dict[SkuId, int] = {}
    short: dict[SkuId, int] = {}
    for each in claims:
        before = held.get(each.line)
        sku = each.sku if before is None else before.sku
        if sku is None:
            continue
        stock = changed.get(sku, stocks.get(sku))
        is_first = before is None
        after, stock = _backed(
            stock,
            before or Held(sku),
            each,
            channel,
            is_first=is_first,
            is_late=is_first and is_known,
        )
        now_held[each.line] = after
        if stock is not None:
            changed[sku] = stock
        short[sku] = short.get(sku, 0) + after.short
        had = 0 if before is None else before.held + before.consumed
        needs[sku] = needs.get(sku, 0) + max(0, _demand(before, each) - had)
    if is_strict and any(short.values()):
        return _refusal(stocks, held, needs, at)
    for sku, stock in changed.items():
        if short[sku] and at + WANTED_S - stock.wanted_until > WANTED_S / 2:
            changed[sku] = _wanting(stock, short[sku], at)
    return Allocation(
        {
            sku: _next_revision(stocks[sku], stock)
            for sku, stock in changed.items()
            if stock != stocks[sku]
        },
        now_held,
    )


def reserved(stock: Stock, channel: ChannelId, level: int) -> tuple[Stock, Reserved]:
    """Set units aside so that `channel` may be told to offer `level`, beside whatever it may still
    offer; where they are not there, or it is unbound, it may be told 0. One without a quota has
    nothing to sell: of one that may have, `unbounded` comes first."""
    exact = (
        not stock.quotas.get(channel)
        and channel not in stock.doubts
        and channel not in stock.unbound
    )
    if level > stock.free or channel in stock.unbound:
        level = 0
    after = doubted(_with_quota(stock, channel, level), channel)
    return _next_revision(stock, after), Reserved(
        level, exact, after.generations[channel], after.sold.get(channel, 0)
    )


def settled(stock: Stock, channel: ChannelId, found: Found) -> tuple[Stock, Settled]:
    """Give back what is set aside beyond what `channel` was found to offer."""
    generation = stock.generations.get(channel, 0)
    if channel not in stock.quotas or generation != found.generation:
        return stock, Settled(None)
    quota = stock.quotas[channel]
    taken = stock.sold.get(channel, 0) - found.sold
    is_bound = channel not in stock.unbound
    if found.units <= quota or (is_bound and found.units <= quota + taken):
        after = _with_quota(stock, channel, min(0, found.units - quota))
        after = replace(
            after,
            doubts=_without(after.doubts, channel),
            unbound=tuple(each for each in after.unbound if each != channel),
        )
        drift = 0
    else:
        after = _with_quota(stock, channel, min(stock.free, found.units - quota))
        after = _unbound(after, channel)
        after = after if channel in after.doubts else doubted(after, channel)
        drift = found.units - quota - taken if is_bound else 0
    after = _next_revision(stock, after)
    return after, Settled(after, drift)


def doubted(stock: Stock, channel: ChannelId) -> Stock:
    """It is not known any more what `channel` offers, though no more than its quota."""
    if channel not in stock.quotas:
        return stock
    generation = stock.generations.get(channel, 0) + 1
    return replace(
        stock,
        doubts={**stock.doubts, channel: generation},
        generations={**stock.generations, channel: generation},
    )


def unbounded(stock: Stock, channel: ChannelId) -> Stock:
    """What `channel` offers may be more than what is set aside for it."""
    after = _with_quota(stock, channel, 0)
    return doubted(_unbound(after, channel), channel)


def released(stock: Stock, channel: ChannelId) -> Stock:
    """`channel` has no quota any more: what it sells is bounded by nothing."""
    after = replace(
        stock,
        quotas=_without(stock.quotas, channel),
        doubts=_without(stock.doubts, channel),
        unbound=tuple(each for each in stock.unbound if each != channel),
    )
    return _next_revision(stock, after)


def counted(stock: Stock, on_hand: int, at: float) -> tuple[Stock, bool]:
    """Let there be `on_hand` units, and whether there are: not fewer than are committed and set
    aside. Those that channels could give back are wanted then."""
    set_aside = sum(stock.quotas.values())
    if on_hand >= stock.committed + set_aside:
        after = replace(stock, on_hand=on_hand)
        return _next_revision(stock, _satisfied(after, stock.on_hand - on_hand)), True
    if on_hand >= stock.committed:
        return _wanting(stock, stock.on_hand - on_hand, at), False
    return stock, False


def faults(stock: Stock) -> list[str]:
    """What of `stock` cannot be."""
    found = [
        f"{name} is {units}"
        for name, units in [
            ("on_hand", stock.on_hand),
            ("committed", stock.committed),
            ("free", stock.free),
            *stock.quotas.items(),
        ]
        if units < 0
    ]
    found += [
        f"{channel} is marked, and has no quota"
        for channel in [*stock.doubts, *stock.unbound]
        if channel not in stock.quotas
    ]
    found += [
        f"the doubt of {channel} is not its latest generation"
        for channel, generation in stock.doubts.items()
        if stock.generations.get(channel) != generation
    ]
    return found


def _backed(
    stock: Stock | None,
    before: Held,
    claim: Claim,
    channel: ChannelId,
    *,
    is_first: bool,
    is_late: bool,
) -> tuple[Held, Stock | None]:
    """What a line has from now on, and the stock then; None where there is no such SKU."""
    there = stock or Stock()
    is_escrowed = channel in there.quotas
    had = before.held + before.consumed
    demand = _demand(None if is_first else before, claim)
    new = max(0, demand - had - before.short)
    from_quota = min(new, there.quotas.get(channel, 0))
    from_free = min(max(0, demand - had - from_quota), max(0, there.free))
    given_back = max(0, had - demand)
    has = had + from_quota + from_free - given_back
    consumed = min(max(before.consumed, claim.sent), has)
    after = Held(
        before.sku,
        held=has - consumed,
        consumed=consumed,
        short=demand - has,
        cancelled=max(before.cancelled, claim.ordered - claim.units),
        restocked=max(before.restocked, min(claim.restocked, consumed)),
    )
    if stock is None:
        return after, None
    on_shelf = after.restocked - before.restocked
    then = replace(
        stock,
        on_hand=stock.on_hand - (after.consumed - before.consumed) + on_shelf,
        committed=stock.committed + after.held - before.held,
    )
    if new:
        then = replace(then, sold={**then.sold, channel: then.sold.get(channel, 0) + new})
    then = _satisfied(then, from_free)
    if is_escrowed:
        then = _with_quota(then, channel, given_back - from_quota)
        cancelled = after.cancelled - before.cancelled
        is_uncovered = new > from_quota or (cancelled > given_back and not is_first)
        if is_uncovered or (is_late and new):
            then = unbounded(then, channel)
        elif cancelled:
            then = doubted(then, channel)
    return after, then


def _demand(before: Held | None, claim: Claim) -> int:
    """Units that a line is to have, held and consumed. What has left never comes back by itself."""
    consumed = max(0 if before is None else before.consumed, claim.sent)
    return max(claim.units, consumed)


def _refusal(
    stocks: Mapping[SkuId, Stock],
    held: Mapping[LineId, Held],
    needs: Mapping[SkuId, int],
    at: float,
) -> Allocation:
    """Units are asked back from channels if that is all that is in the way."""
    shortages = []
    for sku, units in needs.items():
        stock = stocks.get(sku, Stock())
        if units > stock.free:
            shortages.append(Shortage(sku, units, stock.free, sum(stock.quotas.values())))
    wanting: dict[SkuId, Stock] = {}
    if all(each.wanted <= each.free + each.set_aside for each in shortages):
        for each in shortages:
            wanting[each.sku] = _wanting(stocks[each.sku], each.wanted, at)
    return Allocation(wanting, dict(held), tuple(shortages))


def _wanting(stock: Stock, units: int, at: float) -> Stock:
    before = stock.wanted if stock.wanted_until > at else 0
    return replace(stock, wanted=max(before, units), wanted_until=at + WANTED_S)


def _satisfied(stock: Stock, units: int) -> Stock:
    """`units` were had, for which others may have been refused before."""
    if units <= 0 or not stock.wanted:
        return stock
    wanted = max(0, stock.wanted - units)
    return replace(stock, wanted=wanted, wanted_until=stock.wanted_until if wanted else 0.0)


def _with_quota(stock: Stock, channel: ChannelId, more: int) -> Stock:
    quotas = {**stock.quotas, channel: stock.quotas.get(channel, 0) + more}
    return replace(stock, quotas=quotas)


def _unbound(stock: Stock, channel: ChannelId) -> Stock:
    return replace(stock, unbound=tuple(sorted({*stock.unbound, channel})))


def _next_revision(before: Stock, after: Stock) -> Stock:
    """The revision counts changes of units, not of marks."""
    units = (before.on_hand, before.committed, before.free)
    is_same = units == (after.on_hand, after.committed, after.free) and all(
        before.quotas.get(channel, 0) == after.quotas.get(channel, 0)
        for channel in {*before.quotas, *after.quotas}
    )
    return replace(after, revision=before.revision + (0 if is_same else 1))


def _without(numbers: Mapping[ChannelId, int], channel: ChannelId) -> dict[ChannelId, int]:
    return {each: number for each, number in numbers.items() if each != channel}
