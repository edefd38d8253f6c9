"""Registries' files in their own forms: what is read of them, and what never is."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.model import FirmlyError
from firmly.organisations.readers.registry import Assignment, Delegation, Holding, Standing, read_registry, span_of

RPSL = """inetnum:        192.0.2.0 - 192.0.2.127
netname:        MUSTER-NET
descr:          Muster GmbH
descr:          Geheimstrasse 7
country:        DE
org:            ORG-MG1-RIPE
admin-c:        PP1-RIPE
notify:         person@muster.example
status:         ASSIGNED PA # a comment stays with the status
source:         RIPE

inet6num:       2001:db8::/32
netname:        CARRIER
status:         ALLOCATED-BY-RIR
country:        fr

organisation:   ORG-MG1-RIPE
org-name:       Muster Gesellschaft mbH
address:        Geheimstrasse 7
phone:          +49 0
e-mail:         person@muster.example
country:        DE

person:         Petra Person
address:        Geheimstrasse 8
nic-hdl:        PP1-RIPE

inetnum:        broken - range
status:         ASSIGNED PI
"""
ARIN = """NetHandle:   NET-198-51-100-0-1
OrgID:       C0123
Parent:      NET-198-51-0-0-1
NetName:     EXAMPLE
NetRange:    198.51.100.0 - 198.51.100.255
NetType:     reassignment
TechHandle:  PERSON1

OrgID:       C0123
OrgName:     Example Widgets Inc
Street:      1 Secret Street
Country:     US

POCHandle:   PERSON1
FirstName:   Petra
"""
DELEGATED = """2|ripencc|20261101|2|19830705|20261101|+0100
ripencc|*|ipv4|*|1|summary
ripencc|DE|ipv4|192.0.2.0|512|20000101|allocated|x
ripencc|FR|ipv6|2001:db8::|32|20000101|assigned|y
ripencc||ipv4|198.51.0.0|512|20000101|reserved|
"""
LATE = (1 << 32) - 1


def read(path: Path, content: str) -> list[object]:
    path.write_bytes(gzip.compress(content.encode()) if path.suffix == ".gz" else content.encode())
    return list(read_registry(path))


@pytest.mark.parametrize("name", ["ripe.db.inetnum", "ripe.db.inetnum.gz"])
def test_rpsl_objects_are_read_without_their_people(name: str, tmp_path: Path) -> None:
    v6 = span_of("2001:db8::/32")
    entries = read(tmp_path / name, RPSL.replace(" # a comment stays with the status", ""))
    assert v6 is not None
    assert entries == [
        Assignment(0xC0000200, 0xC000027F, "ORG-MG1-RIPE", "Muster GmbH", "MUSTER-NET", "DE", Standing.CUSTOMER),
        Assignment(*v6, "", "", "CARRIER", "FR", Standing.CARRIER),
        Holding("ORG-MG1-RIPE", "Muster Gesellschaft mbH", "DE"),
    ]
    assert not any(word in repr(entries) for word in ("Person", "Geheim", "muster.example", "PP1"))


def test_arins_form_is_read(tmp_path: Path) -> None:
    entries = read(tmp_path / "arin_db.txt", ARIN)
    assert entries == [
        Assignment(0xC6336400, 0xC63364FF, "C0123", "", "EXAMPLE", "", Standing.CUSTOMER),
        Holding("C0123", "Example Widgets Inc", "US"),
    ]
    assert not any(word in repr(entries) for word in ("Secret", "PERSON", "Petra"))


def test_delegations_are_read(tmp_path: Path) -> None:
    v6 = span_of("2001:db8::/32")
    assert v6 is not None
    assert read(tmp_path / "delegated-latest", DELEGATED) == [
        Delegation(0xC0000200, 0xC00003FF, "DE"),
        Delegation(*v6, "FR"),
    ]


STANDINGS = [
    ("ASSIGNED PI", "ORG-X", Standing.OWN),
    ("LEGACY", "ORG-X", Standing.OWN),
    ("LEGACY", "", Standing.CUSTOMER),
    ("ASSIGNED PORTABLE", "", Standing.OWN),
    ("Direct Assignment", "X", Standing.OWN),
    ("ASSIGNED PA", "", Standing.CUSTOMER),
    ("ASSIGNED NON-PORTABLE", "", Standing.CUSTOMER),
    ("Reassigned", "C1", Standing.CUSTOMER),
    ("ALLOCATED PA", "ORG-X", Standing.CARRIER),
    ("SUB-ALLOCATED PA", "ORG-X", Standing.CARRIER),
    ("LIR-PARTITIONED PA", "ORG-X", Standing.CARRIER),
    ("AGGREGATED-BY-LIR", "ORG-X", Standing.CARRIER),
    ("Reallocated", "X", Standing.CARRIER),
    ("something new", "X", Standing.CARRIER),
    ("", "X", Standing.CARRIER),
]


@pytest.mark.parametrize(("status", "org", "standing"), STANDINGS, ids=[f"{row[0]}-{row[1]}" for row in STANDINGS])
def test_a_status_says_whose_an_assignment_is(status: str, org: str, standing: Standing, tmp_path: Path) -> None:
    org_line = f"org: {org}\n" if org else ""
    entries = read(tmp_path / "x", f"inetnum: 192.0.2.0 - 192.0.2.255\nstatus: {status}\n{org_line}")
    assert [entry.standing for entry in entries if isinstance(entry, Assignment)] == [standing]


def test_objects_are_whole_wherever_the_file_is_cut(tmp_path: Path) -> None:
    many = "".join(
        f"inetnum: 10.{n >> 8 & 255}.{n & 255}.0 - 10.{n >> 8 & 255}.{n & 255}.255\ndescr: Firm {n} é\n\n"
        for n in range(40_000)
    )
    seen: list[int] = []
    path = tmp_path / "x"
    path.write_text(many, "utf-8")
    names = [entry.name for entry in read_registry(path, seen.append) if isinstance(entry, Assignment)]
    assert names == [f"Firm {n} é" for n in range(40_000)]
    assert (sum(seen), len(seen) > 1) == (path.stat().st_size, True)


def test_a_torn_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(RPSL.encode())[:-20])
    with pytest.raises(FirmlyError, match=r"x\.gz: not a registry file that can be read"):
        list(read_registry(tmp_path / "x.gz"))


@pytest.mark.parametrize(
    "text", ["", "192.0.2.1/24", "192.0.2.9 - 192.0.2.1", "010.0.0.0/8", "a - b", "1.2.3.4/33", "::/x"]
)
def test_what_is_no_range_is_none(text: str) -> None:
    assert span_of(text) is None


@given(st.text())
def test_any_text_is_a_range_or_none(text: str) -> None:
    found = span_of(text)
    assert found is None or 0 <= found[0] <= found[1] < 1 << 128
