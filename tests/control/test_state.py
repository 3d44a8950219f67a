import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.packet import CanvasId, FeedId, ShowId, TargetId
from mediaserver.state import (
    CanvasRecord,
    FeedRecord,
    ShowRecord,
    TargetRecord,
    UnreadableRecord,
    from_json,
    to_json,
)
from sync.model import ProductId

SHOW = ShowRecord(
    id=ShowId("s1"),
    title="Autumn",
    canvases={CanvasId("landscape"): CanvasRecord(1280, 720, 30, 3_000_000, {"preset": "grid"})},
    feeds={
        FeedId("ann"): FeedRecord("Ann", "hash-a", admitted_at=20.0),
        FeedId("bob"): FeedRecord("Bob", "hash-b"),
        FeedId("cem"): FeedRecord("Cem", "hash-c", admitted_at=10.0, gain_db=-3.0, muted=True),
    },
    targets={
        TargetId("tube"): TargetRecord(
            "Tube", "youtube", CanvasId("landscape"), "rtmp://a/b", "sealed", wanted=True
        )
    },
    rundown=(ProductId("p_mug"), ProductId("p_cup")),
    pinned=ProductId("p_cup"),
    on_air=True,
)

times = st.none() | st.floats(0, 2**37)
shows = st.builds(
    ShowRecord,
    id=st.text(),
    title=st.text(),
    canvases=st.dictionaries(
        st.text(),
        st.builds(
            CanvasRecord,
            fps=st.integers(1, 60) | st.floats(1, 60),
            layout=st.dictionaries(st.text(), st.text()),
        ),
    ),
    starts_at=times,
    feeds=st.dictionaries(
        st.text(),
        st.builds(FeedRecord, admitted_at=times, gain_db=st.floats(-60, 20)),
    ),
    targets=st.dictionaries(st.text(), st.builds(TargetRecord)),
    rundown=st.lists(st.text()).map(tuple),
    pinned=st.none() | st.text(),
    started_at=times,
    ended_at=times,
    revision=st.integers(1, 2**53),
    version=st.just(1),
)


@given(shows)
def test_a_record_survives_json(record: ShowRecord) -> None:
    assert from_json(to_json(record)) == record


def test_each_change_is_a_new_revision_and_the_old_record_stays() -> None:
    changed = SHOW.with_feed(FeedId("bob"), FeedRecord("Bob", "hash-2")).but(title="Winter")

    assert (SHOW.revision, changed.revision) == (1, 3)
    assert SHOW.feeds[FeedId("bob")].token_hash == "hash-b"
    assert changed.feeds[FeedId("bob")].token_hash == "hash-2"


def test_the_admitted_are_in_the_order_of_their_admission() -> None:
    assert SHOW.admitted() == ["cem", "ann"]


def test_at_rest_nothing_is_wanted() -> None:
    rest = SHOW.at_rest()

    assert not rest.on_air
    assert not rest.targets[TargetId("tube")].wanted
    assert rest.revision == SHOW.revision


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b'{"id": 1}', b"\xff"])
def test_what_is_no_show_is_an_error(document: bytes) -> None:
    with pytest.raises(UnreadableRecord):
        from_json(document)


def test_a_show_of_a_newer_server_is_refused() -> None:
    with pytest.raises(UnreadableRecord, match="newer server"):
        from_json(to_json(msgspec.structs.replace(SHOW, version=2)))


def test_a_field_that_a_later_version_adds_is_passed_over() -> None:
    document = msgspec.json.decode(to_json(SHOW)) | {"encores": []}

    assert from_json(msgspec.json.encode(document)) == SHOW
