from mediaserver.next_show import is_on_air, next_rundown
from mediaserver.packet import ShowId
from mediaserver.state import ShowRecord
from sync.model import ProductId

NOW = 1_800_000_000.0
HOUR = 3600.0


def show(name: str, *products: str, **fields: object) -> ShowRecord:
    record = ShowRecord(
        ShowId(name), name, {}, channels=("tiktok",), rundown=tuple(map(ProductId, products))
    )
    return record.but(**fields)


def test_the_products_of_the_soonest_show_come_first() -> None:
    later, sooner = show("a", "p_1", starts_at=NOW + 9), show("b", "p_2", starts_at=NOW + 5)
    assert next_rundown([later, sooner], NOW) == ("p_2", "p_1")


def test_a_show_on_air_comes_before_all() -> None:
    on_air = show("a", "p_1", starts_at=NOW + 9, on_air=True)
    assert next_rundown([show("b", "p_2", starts_at=NOW + 5), on_air], NOW) == ("p_1", "p_2")


def test_shows_that_have_ended_or_were_missed_do_not_count() -> None:
    ended = show("a", "p_1", starts_at=NOW - HOUR, ended_at=NOW - 1)
    missed = show("b", "p_2", starts_at=NOW - 7 * HOUR)
    late = show("c", "p_3", starts_at=NOW - 5 * HOUR)
    assert next_rundown([ended, missed, late], NOW) == ("p_3",)


def test_a_show_without_a_date_comes_after_those_of_today() -> None:
    today, tomorrow = (
        show("a", "p_1", starts_at=NOW + HOUR),
        show("b", "p_2", starts_at=NOW + 30 * HOUR),
    )
    assert next_rundown([tomorrow, show("c", "p_3"), today], NOW) == ("p_1", "p_3", "p_2")


def test_shows_that_do_not_sell_on_tiktok_do_not_count() -> None:
    assert next_rundown([show("a", "p_1", channels=())], NOW) == ()


def test_each_product_comes_once() -> None:
    shows = [show("a", "p_1", "p_2", starts_at=NOW), show("b", "p_2", starts_at=NOW + 1)]
    assert next_rundown(shows, NOW) == ("p_1", "p_2")


def test_any_show_on_air_is_a_show_on_air() -> None:
    assert not is_on_air([show("a")])
    assert is_on_air([show("a"), show("b", channels=(), on_air=True)])
