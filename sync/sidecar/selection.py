"""Which products are listed where the number of listings is limited: pure rules."""

from collections.abc import Iterable, Sequence

import msgspec

from sync.model import ProductId


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A product that could be listed. `barred` says why it is not to be, "" where it may;
    `is_listed`: it is there already."""

    id: ProductId
    created_at: float
    barred: str = ""
    is_listed: bool = False


def left_out(
    candidates: Iterable[Candidate], rundown: Sequence[ProductId], limit: int | None
) -> dict[ProductId, str]:
    """The products that are not to be listed, and why; all others are.

    At most `limit` are (None: any number): first those of the next show's `rundown` in its order,
    then those that are listed already, since a listing that is given up has to pass an audit to
    come back, then the others, the oldest first.
    """
    out: dict[ProductId, str] = {}
    may: list[Candidate] = []
    for candidate in candidates:
        if candidate.barred:
            out[candidate.id] = candidate.barred
        else:
            may.append(candidate)
    if limit is None or len(may) <= limit:
        return out
    place = {product_id: number for number, product_id in enumerate(dict.fromkeys(rundown))}
    may.sort(
        key=lambda each: (
            place.get(each.id, len(place)),
            not each.is_listed,
            each.created_at,
            each.id,
        )
    )
    reason = (
        f"the shop may list {limit} products in its tier, and others come first: "
        "those of the next show's rundown, then those listed already, then the oldest"
    )
    out.update((each.id, reason) for each in may[limit:])
    return out
