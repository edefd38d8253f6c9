"""The whole decision on the bundled data, and what must never leave it."""

import ipaddress
import random
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.model import Confidence, Detail, DropReason, FirmlyError, Organisation, OrgKind
from firmly.organisations.address import Address
from firmly.organisations.chain import Chain, Ranges
from firmly.organisations.classify import Lists
from firmly.organisations.data_file import OrganisationData, open_bundled
from firmly.organisations.judge import Judge
from firmly.organisations.overrides import Overrides
from firmly.organisations.ranges import KnownRanges, Range
from firmly.organisations.resolve import Resolver
from firmly.organisations.sources import FirmlySource
from tests.unit.organisations.conftest import TODAY

NOTHING = KnownRanges([], [])


def plain(lists: Lists, source: Any, machines: KnownRanges = NOTHING) -> Chain:
    """Make a chain of one source without rules of the operator."""
    ranges = Ranges(NOTHING, machines, NOTHING)
    return Chain([source], Judge(lists, {}), ranges, Overrides((), TODAY, lists.forms))


NAMED = [
    ("18.0.0.1", "Massachusetts Institute of Technology", OrgKind.EDUCATION, "US"),
    ("131.228.1.1", "Nokia Solutions and Networks", OrgKind.BUSINESS, "FI"),
    ("128.141.1.1", "CERN - European Organization for Nuclear Research", OrgKind.EDUCATION, "CH"),
    ("130.233.1.1", "Aalto University", OrgKind.EDUCATION, "FI"),
    ("19.0.0.1", "Ford Motor", OrgKind.BUSINESS, "US"),
    ("::ffff:130.233.1.1", "Aalto University", OrgKind.EDUCATION, "FI"),
]


@pytest.mark.parametrize(("text", "name", "kind", "country"), NAMED, ids=[row[0] for row in NAMED])
def test_an_organisation_is_named(text: str, name: str, kind: OrgKind, country: str, resolver: Resolver) -> None:
    found = resolver.resolve(Address.parse(text))

    assert isinstance(found, Organisation)
    assert (found.name, found.kind, found.country, found.detail) == (name, kind, country, Detail.ROUTE)


SILENT = [
    ("73.1.1.1", DropReason.CARRIER_NETWORK), ("91.152.0.1", DropReason.CARRIER_NETWORK),
    ("88.198.1.1", DropReason.HOSTING_NETWORK), ("3.5.1.1", DropReason.HOSTING_NETWORK),
    ("193.166.3.2", DropReason.CARRIER_NETWORK), ("145.100.0.1", DropReason.CARRIER_NETWORK),
    ("141.42.1.1", DropReason.CARRIER_NETWORK), ("193.60.0.1", DropReason.CARRIER_NETWORK),
    ("62.40.96.1", DropReason.CARRIER_NETWORK), ("2001:708::1", DropReason.CARRIER_NETWORK),
    ("8.8.8.8", DropReason.HOSTING_NETWORK), ("80.220.0.1", DropReason.CARRIER_NETWORK),
    ("100.192.0.1", DropReason.MOBILE_NETWORK), ("::ffff:73.1.1.1", DropReason.CARRIER_NETWORK),
    ("192.168.1.1", DropReason.PRIVATE_NETWORK), ("::130.233.1.1", DropReason.PRIVATE_NETWORK),
    ("2002:82e9:101::1", DropReason.UNKNOWN_NETWORK), ("64:ff9b::130.233.1.1", DropReason.PRIVATE_NETWORK),
    ("3f00::1", DropReason.UNKNOWN_NETWORK), ("010.8.8.8", DropReason.ADDRESS_REFUSED),
    ("134744072", DropReason.ADDRESS_REFUSED), ("18.0.0.1:80", DropReason.ADDRESS_REFUSED),
    ("fe80::1%eth0", DropReason.ADDRESS_REFUSED), ("", DropReason.ADDRESS_REFUSED),
]  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), SILENT, ids=[row[0] for row in SILENT])
def test_everybody_else_is_not_named(text: str, reason: DropReason, resolver: Resolver) -> None:
    assert resolver.resolve(Address.parse(text)) is reason


def test_a_machine_in_an_organisations_network_is_not_the_organisation(lists: Lists) -> None:
    whole = KnownRanges([Range(0, 2**32 - 1, DropReason.VPN_NETWORK)], [])
    resolver = plain(lists, FirmlySource(open_bundled()), whole)

    assert resolver.resolve(Address.parse("130.233.1.1")) is DropReason.VPN_NETWORK


def test_the_evidence_is_the_data_set_and_the_name_in_it(resolver: Resolver, data: OrganisationData) -> None:
    found = resolver.resolve(Address.parse("130.233.1.1"))

    assert isinstance(found, Organisation)
    assert found == Organisation(
        id=found.id, name="Aalto University", kind=OrgKind.EDUCATION, country="FI", domain="", asn=15496,
        registered_name="Aalto University", source="origin-asn and user-country", as_of=data.as_of,
        confidence=Confidence.HIGH, detail=Detail.ROUTE,
    )  # fmt: skip


def test_several_numbers_of_one_holder_are_one_organisation(resolver: Resolver) -> None:
    """Two numbers of Nokia in the bundled data, and their networks."""
    answers = [resolver.resolve(Address.parse(text)) for text in ("131.228.1.1", "192.100.102.1")]

    found = [answer for answer in answers if isinstance(answer, Organisation)]
    assert len({answer.id for answer in found}) == 1


def test_the_resolver_leaves_the_address_to_the_pipeline(resolver: Resolver) -> None:
    address = Address.parse("130.233.1.1")
    resolver.resolve(address)

    assert address.packed() == bytes([130, 233, 1, 1])


class _BrokenSource:
    """A source that fails as the real reader does on a damaged file: with the address in the message."""

    def find(self, key: Any) -> None:
        raise ValueError(f"Error looking up {ipaddress.ip_address(key.packed)}")


@pytest.mark.parametrize("text", ["203.0.114.77", "2a01:4f9::cafe"])
@pytest.mark.parametrize("ask", [Chain.resolve, Chain.explain], ids=["resolve", "explain"])
def test_an_error_of_the_reader_never_carries_the_address(
    text: str, ask: Callable[[Chain, Address], object], lists: Lists
) -> None:
    resolver = plain(lists, _BrokenSource())
    address = Address.parse(text)
    told = (text, repr(ipaddress.ip_address(text).packed), str(int(ipaddress.ip_address(text))))

    with pytest.raises(FirmlyError, match="damaged") as caught:
        ask(resolver, address)
    assert caught.value.__context__ is None
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in trace.stack if "/organisations/chain.py" in frame.filename]
    assert ours
    for frame in ours:
        assert [value for value in (frame.locals or {}).values() if any(part in value for part in told)] == []
    assert all(part not in str(caught.value) for part in told)


def test_nothing_but_verdicts_is_remembered(lists: Lists) -> None:
    """After many look-ups the judge holds holders of AS numbers and no bytes, numbers or texts of an address."""
    judge = Judge(lists, {})
    source = FirmlySource(open_bundled())
    ranges = Ranges(NOTHING, NOTHING, NOTHING)
    resolver = Chain([source], judge, ranges, Overrides((), TODAY, lists.forms))
    generator = random.Random(2)
    asked = [generator.randbytes(4) for _ in range(500)]
    for packed in asked:
        resolver.resolve(Address(packed))
    remembered = judge._considered[source.data_set]

    assert 0 < len(remembered) <= len(asked)
    assert {(facts.asn, facts.as_name) for facts in remembered} <= {
        (holder.asn, holder.registered_name) for holder in source.data.holders
    }
    kept = repr((judge._considered, judge._judged, vars(resolver)))
    assert [packed for packed in asked if str(ipaddress.ip_address(packed)) in kept or repr(packed) in kept] == []


@given(st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16))
def test_every_textual_form_gives_the_same_answer(resolver: Resolver, packed: bytes) -> None:
    address = ipaddress.ip_address(packed)
    forms = [str(address), address.exploded, address.compressed.upper()]
    if len(packed) == 4:
        forms.append(f"::ffff:{address}")

    assert len({resolver.resolve(Address.parse(form)) for form in forms}) == 1


@given(st.text(alphabet="0123456789.x:abcdef%/ ", max_size=24))
def test_any_text_gives_an_answer(resolver: Resolver, text: str) -> None:
    answer = resolver.resolve(Address.parse(text))

    assert isinstance(answer, Organisation | DropReason)


@given(st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16))
def test_an_explanation_gives_the_answer_that_counts(resolver: Resolver, packed: bytes) -> None:
    address = Address(packed)

    assert resolver.explain(address).answer == resolver.resolve(address)
