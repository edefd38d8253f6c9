"""The whole decision on the bundled data, and what must never leave it."""

import ipaddress
import json
import random
import traceback
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.model import Confidence, Detail, DropReason, FirmlyError, Organisation, OrgKind
from firmly.organisations.address import Address
from firmly.organisations.classify import Lists
from firmly.organisations.data_file import OrganisationData
from firmly.organisations.ranges import KnownRanges, Range
from firmly.organisations.resolve import Candidate, NetworkFacts, Resolver, route_or_counts, too_small

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


def test_a_machine_in_an_organisations_network_is_not_the_organisation(data: OrganisationData, lists: Lists) -> None:
    whole = KnownRanges([Range(0, 2**32 - 1, DropReason.VPN_NETWORK)], [])
    resolver = Resolver(data, lists, KnownRanges([], []), whole)

    assert resolver.resolve(Address.parse("130.233.1.1")) is DropReason.VPN_NETWORK


def test_the_evidence_is_the_data_set_and_the_name_in_it(resolver: Resolver, data: OrganisationData) -> None:
    found = resolver.resolve(Address.parse("130.233.1.1"))

    assert isinstance(found, Organisation)
    assert replace(found, id=found.id) == Organisation(
        id=found.id, name="Aalto University", kind=OrgKind.EDUCATION, country="FI", domain="", asn=15496,
        registered_name="Aalto University", source="origin-asn and user-country", as_of=data.as_of,
        confidence=Confidence.HIGH, detail=Detail.ROUTE,
    )  # fmt: skip


def test_several_numbers_of_one_holder_are_one_organisation(resolver: Resolver, data: OrganisationData) -> None:
    found = {
        resolver._judge(holder)
        for holder in data.holders
        if holder.registered_name in ("Nokia Solutions and Networks Oy", "Koninklijke Philips N.V.")
    }
    ids = {candidate.route.id for candidate in found if isinstance(candidate, Candidate)}

    assert len(found) > 2
    assert len(ids) == 2


ROUTE = Organisation(
    id=None, name="x", kind=OrgKind.BUSINESS, country="", domain="", asn=1, registered_name="x", source="",  # type: ignore[arg-type]
    as_of=None, confidence=Confidence.HIGH, detail=Detail.ROUTE,  # type: ignore[arg-type]
)  # fmt: skip
COUNTS = replace(ROUTE, detail=Detail.COUNTS)


@pytest.mark.parametrize(
    ("size", "prefix", "answer"),
    [(4, 29, None), (4, 30, DropReason.TOO_SMALL), (16, 56, None), (16, 57, DropReason.TOO_SMALL)],
)
def test_a_tiny_network_names_nobody(size: int, prefix: int, answer: DropReason | None) -> None:
    assert too_small(Candidate(ROUTE, COUNTS), NetworkFacts(prefix, size, "")) is answer


@pytest.mark.parametrize(
    ("confidence", "size", "prefix", "detail"),
    [
        (Confidence.HIGH, 4, 26, Detail.ROUTE),
        (Confidence.HIGH, 4, 27, Detail.COUNTS),
        (Confidence.HIGH, 16, 48, Detail.ROUTE),
        (Confidence.HIGH, 16, 49, Detail.COUNTS),
        (Confidence.MEDIUM, 4, 8, Detail.COUNTS),
    ],
)
def test_routes_need_strong_evidence_and_some_size(
    confidence: Confidence, size: int, prefix: int, detail: Detail
) -> None:
    candidate = Candidate(replace(ROUTE, confidence=confidence), replace(COUNTS, confidence=confidence))

    answer = route_or_counts(candidate, NetworkFacts(prefix, size, ""))
    assert isinstance(answer, Organisation)
    assert answer.detail is detail


def test_the_resolver_leaves_the_address_to_the_pipeline(resolver: Resolver) -> None:
    address = Address.parse("130.233.1.1")
    resolver.resolve(address)

    assert address.packed() == bytes([130, 233, 1, 1])


class _BrokenReader:
    """A reader that fails as the real one does on a damaged file: with the address in the message."""

    def get_with_prefix_len(self, address: Any) -> tuple[object, int]:
        raise ValueError(f"Error looking up {address}")


@pytest.mark.parametrize("text", ["203.0.114.77", "2a01:4f9::cafe"])
def test_an_error_of_the_reader_never_carries_the_address(text: str, data: OrganisationData, lists: Lists) -> None:
    nothing = KnownRanges([], [])
    resolver = Resolver(replace(data, reader=_BrokenReader()), lists, nothing, nothing)  # type: ignore[arg-type]

    with pytest.raises(FirmlyError, match="damaged") as caught:
        resolver.resolve(Address.parse(text))
    assert caught.value.__context__ is None
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    local_values = json.dumps([frame.locals for frame in trace.stack if "/organisations/resolve.py" in frame.filename])
    packed = ipaddress.ip_address(text).packed
    assert "resolve.py" in "".join(trace.format())
    assert text not in "".join(trace.format(chain=True)).replace(f"text = '{text}'", "")
    assert text not in local_values
    assert repr(packed) not in local_values


def test_nothing_but_verdicts_is_remembered(data: OrganisationData, lists: Lists) -> None:
    nothing = KnownRanges([], [])
    resolver = Resolver(data, lists, nothing, nothing)
    generator = random.Random(2)
    for _ in range(2_000):
        resolver.resolve(Address(generator.randbytes(4)))

    assert len(resolver._candidates) == len(data.holders)
    assert {type(item) for item in resolver._candidates} == {type(None), Candidate, DropReason}


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
