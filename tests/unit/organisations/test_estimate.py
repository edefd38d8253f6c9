"""The fitted estimate: its arithmetic, its file, its reasons; and what must not be in the file."""

from collections import Counter

import pytest

from firmly.organisations.data_file import Holder, OrganisationData
from firmly.organisations.estimate import Estimate, Weights
from firmly.organisations.holder_facts import holder_facts, marks_of_words, without_form
from firmly.organisations.lists import Lists
from firmly.organisations.names import holder_name, words

WEIGHTS = Weights.of(["# a comment", "bias\t0 0 0 0 0 0", "w:bank\t0 0 2000 0 0 0", "g:<ba\t0 0 500 0 0 -500"])


def test_the_probabilities_are_those_of_a_linear_model() -> None:
    estimate = WEIGHTS.estimate(["w:bank", "w:unknown"])

    assert sum(estimate) == pytest.approx(1)
    assert estimate.business / estimate.carrier == pytest.approx(7.389, abs=0.001)
    assert WEIGHTS.estimate([]) == pytest.approx(Estimate(*[1 / 6] * 6))


def test_the_reasons_name_what_speaks_most_for_the_class() -> None:
    assert WEIGHTS.reasons(["g:<ba", "w:bank"], place=2) == "bank, ba"
    assert WEIGHTS.reasons(["w:bank"], place=3) == ""
    assert WEIGHTS.said_in_a_word(["g:<ba"], place=2) == 0
    assert WEIGHTS.said_in_a_word(["w:bank"], place=2) == pytest.approx(2 * 5 / 6)


def test_sizes_move_the_estimate(lists: Lists) -> None:
    small = holder_facts(Holder(64500, "Beispiel Metall GmbH", "DE", 1, 256, 0), lists)
    large = holder_facts(Holder(64500, "Beispiel Metall GmbH", "DE", 300, 1 << 19, 80), lists)

    assert small.estimate.business > 2 * large.estimate.business


def test_every_part_of_a_name_in_the_shipped_weights_is_borne_by_many_differently_named_holders(
    data: OrganisationData, lists: Lists
) -> None:
    different = {holder.registered_name: holder for holder in data.holders}
    borne = Counter[str]()
    for name, holder in different.items():
        _, core = without_form(words(holder_name(name)), holder.home, lists.forms)
        borne.update(set(marks_of_words(core)))

    of_names = [mark for mark in lists.weights.by_mark if mark.startswith(("w:", "b:", "g:", "first:"))]
    assert len(of_names) > 5000
    assert {mark: borne[mark] for mark in of_names if borne[mark] < 20} == {}
