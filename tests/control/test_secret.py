import io
import logging
import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from mediaserver.secret import (
    RedactingFormatter,
    keys_of,
    new_token,
    redacted,
    token_hash,
    token_of,
)
from sync.errors import UnreadableSecret
from sync.secret import Secret, Vault


def key() -> Secret:
    return Secret(Fernet.generate_key().decode())


def test_a_secret_prints_as_stars() -> None:
    secret = Secret("live_key_123")

    assert f"{secret} {secret!r} {[secret]}" == "*** *** [***]"
    assert secret.reveal() == "live_key_123"


def test_secrets_are_equal_by_value_and_to_nothing_else() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


@given(st.text())
def test_what_is_sealed_opens_again_and_does_not_show(text: str) -> None:
    vault = Vault([key()])
    sealed = vault.seal(Secret(text))

    assert vault.open(sealed).reveal() == text
    assert len(text) < 4 or text not in sealed


def test_keys_rotate_the_first_seals_and_all_open() -> None:
    old, new = key(), key()
    sealed_before = Vault([old]).seal(Secret("k"))
    rotated = Vault([new, old])

    assert rotated.open(sealed_before) == Secret("k")
    assert Vault([new]).open(rotated.seal(Secret("k"))) == Secret("k")


def test_a_foreign_key_opens_nothing() -> None:
    sealed = Vault([key()]).seal(Secret("k"))

    with pytest.raises(UnreadableSecret):
        Vault([key()]).open(sealed)


def test_what_is_too_old_does_not_open() -> None:
    vault = Vault([key()])
    sealed = vault.seal(Secret("k"))

    with pytest.raises(UnreadableSecret):
        vault.open(sealed, max_age_s=-1)


def test_the_owners_token_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "admin-token"

    token = token_of(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token_of(path) == token
    assert path.read_text() == token.reveal() + "\n"
    assert os.listdir(tmp_path) == ["admin-token"]


def test_a_secret_file_open_to_others_is_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "secret-keys"
    keys = keys_of(path)
    path.chmod(0o644)

    assert keys_of(path) == keys
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "secret_file_was_open_to_others" in caplog.text


def test_tokens_differ_tell_their_role_and_are_kept_as_hashes() -> None:
    host, other = new_token("host"), new_token("host")

    assert host != other
    assert host.reveal().startswith("sch_")
    assert len(token_hash(host)) == 64
    assert host.reveal() not in token_hash(host)


def test_logs_mask_live_secrets_tokens_and_bearers_in_traces_too() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(RedactingFormatter("%(message)s"))
    logger = logging.Logger("test")
    logger.addHandler(handler)
    key = Secret("abcd-efgh-ijkl")
    forgotten = new_token("producer").reveal()

    logger.info("url=rtmp://a/live/%s", key.reveal())
    logger.info("header=%r", {"Authorization": "Bearer of-somebody"})
    try:
        raise ValueError(f"bad token {forgotten}")
    except ValueError:
        logger.exception("failed")

    written = stream.getvalue()
    assert "url=rtmp://a/live/***" in written
    assert "ValueError: bad token ***" in written
    for secret in (key.reveal(), "of-somebody", forgotten):
        assert secret not in written


def test_short_secrets_do_not_mask_words_that_are_alike() -> None:
    keys = Secret("live"), Secret("custom"), Secret("the-key1")

    assert redacted("status=live target=custom2") == "status=live target=custom2"
    assert redacted("/live/the-key1") == "/live/***"
    assert len(keys) == 3
