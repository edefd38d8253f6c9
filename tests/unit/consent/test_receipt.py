"""Receipts: random, of one form, kept as keyed hashes only."""

import pytest

from firmly.consent.receipt import Receipts
from tests.unit.consent.conftest import NEW, OLD


def test_receipts_are_new_each_time_and_well_formed() -> None:
    receipts = Receipts([NEW])
    made = {receipts.new() for _ in range(100)}
    assert len(made) == 100
    assert all(receipts.is_well_formed(receipt) for receipt in made)


@pytest.mark.parametrize("text", ["", "ab" * 15, "ab" * 17, "AB" * 16, "zz" * 16, "ab" * 16 + "\n", "\n" + "ab" * 16])
def test_other_forms_are_no_receipt(text: str) -> None:
    assert not Receipts([NEW]).is_well_formed(text)


def test_hash_is_keyed_and_tells_nothing() -> None:
    receipt = "ab" * 16
    hashed = Receipts([NEW]).hash(receipt)
    assert hashed == Receipts([NEW]).hash(receipt) != Receipts([OLD]).hash(receipt)
    assert (len(hashed), receipt in hashed) == (64, False)


def test_after_a_rotation_the_newest_key_hashes_and_all_find() -> None:
    receipt, rotated = "ab" * 16, Receipts([NEW, OLD])
    assert rotated.hash(receipt) == Receipts([NEW]).hash(receipt)
    assert rotated.hashes(receipt) == [Receipts([NEW]).hash(receipt), Receipts([OLD]).hash(receipt)]
