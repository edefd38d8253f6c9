"""Verdicts on offers: names, vendors and AS facts weighed against each other."""

from datetime import date

import pytest

from firmly.model import Alternative, Confidence, DropReason, OrgKind
from firmly.organisations.classify import Lists
from firmly.organisations.data_file import Holder
from firmly.organisations.facts import Claim, DataSet, Found, Level, NetworkFacts
from firmly.organisations.judge import Judge
from firmly.organisations.offers import Basis, Offer
from firmly.organisations.readers.as_facts import AsFacts

SET = DataSet("test", date(2026, 11, 1), Level.AS_NUMBER)


def offer(name: str, country: str = "DE", level: Level = Level.AS_NUMBER, claim: Claim | None = None) -> Offer:
    return Offer(level, name, 64500, country, claim, "", False, SET)


def judge(lists: Lists, claim: Claim) -> Judge:
    facts = AsFacts({64500: claim}, "AS facts", date(2026, 11, 1))
    return Judge(lists, {64500: Holder(64500, "x", "DE", 3, 1024, 0)}, facts)


VETOED = [
    ("Muster DSL Pool", DropReason.HOME_NETWORK),
    ("Max Muster e.K.", DropReason.PERSON),
    ("Anna Schneider", DropReason.PERSON),
]


@pytest.mark.parametrize(("name", "reason"), VETOED, ids=[name for name, _ in VETOED])
def test_as_facts_lift_no_veto_on_pools_and_persons(name: str, reason: DropReason, lists: Lists) -> None:
    judged = judge(lists, OrgKind.BUSINESS).judge(offer(name))
    assert (judged.organisation, judged.reason, judged.basis) == (None, reason, Basis.NAME)


def test_as_facts_need_no_legal_form(lists: Lists) -> None:
    judged = judge(lists, OrgKind.BUSINESS).judge(offer("Sonnenschein"))
    assert judged.organisation is not None
    assert (judged.organisation.kind, judged.organisation.confidence) == (OrgKind.BUSINESS, Confidence.HIGH)
    assert judged.basis is Basis.AS_FACTS


def test_as_facts_and_name_together_are_very_sure(lists: Lists) -> None:
    judged = judge(lists, OrgKind.EDUCATION).judge(offer("Universität Musterstadt"))
    assert judged.organisation is not None
    assert judged.organisation.confidence is Confidence.VERY_HIGH


def test_as_facts_speak_of_holders_and_not_of_their_customers(lists: Lists) -> None:
    customer = offer("Muster GmbH", level=Level.COMPANY, claim=OrgKind.BUSINESS)
    judged = judge(lists, DropReason.CARRIER_NETWORK).judge(customer)
    assert judged.organisation is not None


def test_a_registrys_assignment_to_the_firm_itself_is_surer_than_a_carriers(lists: Lists) -> None:
    plain = offer("Sonnenschein GmbH", level=Level.COMPANY)
    verdicts = [Judge(lists, {}).judge(one) for one in (plain, plain._replace(is_registered=True))]
    found = [(one.organisation.confidence if one.organisation else None, one.basis) for one in verdicts]
    assert found == [(Confidence.HIGH, Basis.CUSTOMER), (Confidence.VERY_HIGH, Basis.REGISTRY)]


def test_the_holders_home_decides_for_an_as_number(lists: Lists) -> None:
    """A record's country is that of the network; a legal form is judged where the holder is at home."""
    judged = Judge(lists, {64500: Holder(64500, "x", "FI", 1, 256, 0)}).judge(offer("Aalto University", "SE"))
    assert judged.organisation is not None
    assert judged.organisation.country == "FI"


COMPANIES = DataSet("companies", date(2026, 11, 1), Level.COMPANY)


def found(company: str, as_name: str) -> tuple[Found, ...]:
    customer = Found(NetworkFacts(company=company, country="DE"), 24, COMPANIES)
    return customer, Found(NetworkFacts(asn=64500, as_name=as_name, country="DE"), 16, SET)


def test_what_another_data_set_named_is_told_beside_the_organisation(lists: Lists) -> None:
    court = Judge(lists, {})
    first, again = (court.consider(found("Sonnenschein GmbH", "Muster Telekom")).considered for _ in range(2))
    leading = first.judged[0]
    assert leading.organisation is not None
    assert leading.organisation.alternatives == (Alternative("Muster Telekom", "test", DropReason.CARRIER_NETWORK),)
    assert leading.counted is not None
    assert leading.counted.alternatives == leading.organisation.alternatives
    assert again.judged[0] is leading, "lines are remembered by the organisation's identity"


@pytest.mark.parametrize("claim", [DropReason.CARRIER_NETWORK, None])
@pytest.mark.parametrize("name", ["Jane Doe", "Residential Anna Virtanen"])
def test_a_providers_customer_is_no_alternative(name: str, claim: Claim | None, lists: Lists) -> None:
    """A vendor calls whoever is behind a line a provider; it may be one person."""
    first = NetworkFacts(company="Sonnenschein GmbH", country="DE")
    second = NetworkFacts(company=name, company_claim=claim, country="DE")
    said = (Found(first, 24, COMPANIES), Found(second, 24, COMPANIES._replace(name="others")))
    leading = Judge(lists, {}).consider(said).considered.judged[0]
    assert leading.organisation is not None
    assert leading.organisation.alternatives == ()


@pytest.mark.parametrize("other", ["Anna Schneider", "Max Muster e.K.", "Quersumme"])
def test_who_may_be_a_person_is_no_alternative(other: str, lists: Lists) -> None:
    leading = Judge(lists, {}).consider(found("Sonnenschein GmbH", other)).considered.judged[0]
    assert leading.organisation is not None
    assert leading.organisation.alternatives == ()


def test_a_name_that_two_data_sets_agree_on_is_no_alternative(lists: Lists) -> None:
    leading = Judge(lists, {}).consider(found("Sonnenschein GmbH", "Sonnenschein GmbH")).considered.judged[0]
    assert leading.organisation is not None
    assert leading.organisation.alternatives == ()
