"""Scores on rows of the tests' own making: every figure can be counted by hand."""

from pathlib import Path

import pytest

from firmly.model import Confidence, FirmlyError, OrgKind
from firmly.organisations.data_file import OrganisationData
from firmly.organisations.evaluate import Labelled, Probe, Report, evaluate, in_words, probes_by_asn, read_labels
from firmly.organisations.open import OrgFiles, Shipped, open_chain
from firmly.organisations.resolve import Resolver
from tests.unit.organisations.conftest import TODAY

AALTO, ELISA, MIT, NOBODY = 15496, 719, 3, 4_199_999_999

LABELS = """asn,name,country,labels
15496,Aalto University,FI,uni
719,Elisa Oyj,FI,dsl mobile
AS3,Massachusetts Institute of Technology,us,corp
4199999999,Nobody,XX,perso
"""


@pytest.fixture
def rows(tmp_path: Path) -> list[Labelled]:
    (tmp_path / "labels.csv").write_text(LABELS)
    return read_labels(tmp_path / "labels.csv")


def test_rows_are_read_with_all_their_labels(rows: list[Labelled]) -> None:
    assert rows == [
        Labelled(AALTO, "", "FI", ("uni",)),
        Labelled(ELISA, "", "FI", ("dsl", "mobile")),
        Labelled(MIT, "", "US", ("corp",)),
        Labelled(NOBODY, "", "XX", ("perso",)),
    ]
    assert rows[0].kinds() == {OrgKind.EDUCATION}
    assert rows[1].kinds() == frozenset()


@pytest.mark.parametrize(
    "content", ["asn,labels\n,uni\n", "asn,labels\n7,\n", "number,labels\n7,uni\n", "asn,labels\nx,uni\n"]
)
def test_a_row_that_says_nothing_is_an_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(FirmlyError, match="line 2: expected labels"):
        read_labels(tmp_path / "labels.csv")


def test_every_network_of_a_holder_is_probed_once(data: OrganisationData) -> None:
    probes = probes_by_asn(data, frozenset((AALTO, NOBODY)))
    holder = next(holder for holder in data.holders if holder.asn == AALTO)

    assert set(probes) == {AALTO}
    assert sum(probe.size for probe in probes[AALTO]) == holder.ipv4_addresses
    assert len({probe.packed for probe in probes[AALTO]}) == len(probes[AALTO])


def test_figures_count_named_right_and_wrong(rows: list[Labelled], data: OrganisationData, resolver: Resolver) -> None:
    probes = probes_by_asn(data, frozenset(row.asn for row in rows))
    figures = evaluate(rows, probes, resolver, Confidence.HIGH).as_json()

    assert (figures["rows"], figures["not_found"]) == (3, 1)
    assert (figures["precision"], figures["recall"]) == (0.5, 0.5)  # Aalto is right; MIT is no firm.
    assert (figures["abstention"], figures["false_company_rate"]) == (0.33333, 0.0)
    assert figures["person_leak_rate"] is None
    assert figures["labels"]["uni"] == {
        "rows": 1, "named": 1, "named_share": 1.0, "right_kind_share": 1.0,
        "named_address_share": figures["labels"]["uni"]["named_address_share"],
    }  # fmt: skip
    assert figures["labels"]["uni"]["named_address_share"] > 0.9
    assert figures["labels"]["corp"]["right_kind_share"] == 0.0
    assert figures["labels"]["mobile"]["named"] == 0
    assert figures["confusion"]["corp"] == {"education": 1}
    assert figures["kind_precision"] == {"education": 0.5}
    assert figures["carrier_address_rate"] == 0.0
    assert (figures["countries"]["FI"]["rows"], figures["countries"]["US"]["rows"]) == (1, 1)


def test_a_negative_that_is_named_is_a_false_company_and_a_person_a_leak(resolver: Resolver) -> None:
    rows = [Labelled(0, "130.233.1.1", "FI", ("dsl",)), Labelled(0, "18.0.0.1", "US", ("perso",))]
    figures = evaluate(rows, {}, resolver, Confidence.HIGH).as_json()

    assert (figures["false_company_rate"], figures["person_leak_rate"], figures["precision"]) == (1.0, 1.0, 0.0)
    assert figures["false_company_address_rate"] == 1.0
    assert figures["carrier_address_rate"] == 1.0  # Of the line labelled dsl; a person's is no carrier's.
    assert figures["kind_precision"] == {"education": 0.0}


def test_what_is_below_the_limit_is_not_named(resolver: Resolver) -> None:
    rows = [Labelled(0, "130.233.1.1", "FI", ("uni",))]
    report = evaluate(rows, {}, resolver, Confidence.VERY_HIGH)
    assert report.confusion == {("uni", "low_confidence"): 1}


def test_a_holder_counts_as_what_most_of_its_addresses_are(resolver: Resolver) -> None:
    inside, outside = Probe(bytes([130, 233, 1, 1]), 100), Probe(bytes([91, 152, 0, 9]), 101)
    report = evaluate([Labelled(1, "", "FI", ("uni",))], {1: [inside, outside]}, resolver, Confidence.HIGH)
    assert report.all_rows.named == 0
    assert report.all_rows.named_addresses == 100


def test_two_sets_of_data_score_apart(tmp_path: Path, shipped: Shipped, resolver: Resolver) -> None:
    (tmp_path / "as.json").write_text('[{"asn": 719, "metadata": {"category": "business", "networkRole": "stub"}}]')
    files = OrgFiles((tmp_path / "as.json",))
    other = Resolver(lambda: open_chain(files, TODAY, shipped))
    rows = [Labelled(0, "91.152.0.9", "FI", ("dsl",))]

    named = [evaluate(rows, {}, one, Confidence.HIGH).all_rows.named for one in (resolver, other)]
    assert named == [0, 1]


def test_a_report_is_said_in_words(resolver: Resolver) -> None:
    report = evaluate([Labelled(0, "130.233.1.1", "FI", ("uni",))], {}, resolver, Confidence.HIGH)
    text = "\n".join(in_words("a", report))
    assert "a: 1 rows, 0 in no data" in text
    assert "precision            100.00 %" in text
    assert "right of education   100.00 %" in text
    assert "uni came out as: education 1" in text
    assert "person leak rate     -" in "\n".join(in_words("empty", Report()))
