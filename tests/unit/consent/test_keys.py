"""Keys of the log: derived, so that a restored installation has them; older ones only check."""

import pytest

from firmly.consent.keys import LogKeys, PublicKeys, fingerprint, from_base64, key_id, public_fields, to_base64
from tests.unit.consent.conftest import NEW, OLD

TEXT = "firmly.consent-head.v1\nexamplesite\n1"


def test_same_installation_has_the_same_key_and_another_one_another() -> None:
    assert LogKeys([NEW]).public == LogKeys([NEW, OLD]).public[:1]
    assert LogKeys([NEW]).public != LogKeys([OLD]).public


def test_newest_signs_and_all_check() -> None:
    before, rotated = LogKeys([OLD]), LogKeys([NEW, OLD])
    signature = before.sign(TEXT)
    assert rotated.holds(before.newest, TEXT, signature)
    assert LogKeys([NEW]).holds(rotated.newest, TEXT, rotated.sign(TEXT))
    assert not LogKeys([NEW]).holds(before.newest, TEXT, signature)


@pytest.mark.parametrize("signature", ["", "A", "A" * 86, "é", "=" * 88, "A" * 1000], ids=repr)
def test_what_is_no_signature_does_not_hold(signature: str) -> None:
    keys = LogKeys([NEW])
    assert not keys.holds(keys.newest, TEXT, signature)


def test_signature_is_of_its_text_and_key() -> None:
    keys, other = LogKeys([NEW]), LogKeys([OLD])
    assert not keys.holds(keys.newest, TEXT + "0", keys.sign(TEXT))
    assert not keys.holds(keys.newest, TEXT, other.sign(TEXT))
    assert not keys.holds("0" * 16, TEXT, keys.sign(TEXT))


def test_public_key_is_named_by_its_fingerprint() -> None:
    (raw,) = LogKeys([NEW]).public
    said = public_fields(raw)
    assert (said["id"], from_base64(said["public"])) == (fingerprint(raw)[:16], raw)
    assert key_id(raw) == said["id"]
    assert to_base64(b"\xff" * 32) == "_" * 42 + "8"


def test_what_is_no_key_checks_nothing() -> None:
    assert not PublicKeys([b"short"]).knows(key_id(b"short"))
    assert not PublicKeys([b"\0" * 32]).holds(key_id(b"\0" * 32), TEXT, "A" * 86)
