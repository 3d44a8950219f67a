from hypothesis import given
from hypothesis import strategies as st

from sync.secret import Secret
from sync.tiktok.signing import UNSIGNED, sign

SECRET = Secret("e59af819cc")
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
QUERIES = st.dictionaries(TEXTS, TEXTS, max_size=6)


def test_the_documented_vector_comes_out() -> None:
    query = {"app_key": "29a39d", "timestamp": "1623812664"}

    assert sign(SECRET, "/authorization/202309/shops", query) == (
        "b596b73e0cc6de07ac26f036364178ab16b0a907af13d43f0a0cd2345f582dc8"
    )


@given(QUERIES, st.binary(max_size=40))
def test_order_of_the_query_does_not_matter(query: dict[str, str], body: bytes) -> None:
    backwards = dict(reversed(query.items()))

    assert sign(SECRET, "/path", backwards, body) == sign(SECRET, "/path", query, body)


@given(QUERIES, TEXTS, TEXTS)
def test_sign_and_token_do_not_count(query: dict[str, str], first: str, second: str) -> None:
    bare = {name: value for name, value in query.items() if name not in UNSIGNED}

    signed = sign(SECRET, "/path", bare)

    assert sign(SECRET, "/path", bare | {"sign": first, "access_token": second}) == signed


@given(QUERIES, st.binary(min_size=1, max_size=40))
def test_path_secret_query_and_body_each_count(query: dict[str, str], body: bytes) -> None:
    query = {name: value for name, value in query.items() if name not in UNSIGNED}
    signed = sign(SECRET, "/path", query, body)

    assert sign(SECRET, "/other", query, body) != signed
    assert sign(Secret("another"), "/path", query, body) != signed
    assert sign(SECRET, "/path", query | {"zz new": "1"}, body) != signed
    assert sign(SECRET, "/path", query, b"") != signed
    assert len(signed) == 64
    assert signed == signed.lower()
