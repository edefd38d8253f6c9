"""What lines say of companies: domains in every spelling, values, and each problem with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.leads.company_data.facts import EXPECTED, Fact, OwnerIs, Value, normal_domain
from firmly.leads.company_data.reading import (
    MAX_TOLD,
    CompanyLine,
    LineProblem,
    guessed_columns,
    read_companies,
)
from firmly.leads.company_data.table import Table
from firmly.model import InvalidInputError

DOMAINS = [
    ("nokia.com", "nokia.com"),
    (" Nokia.COM. ", "nokia.com"),
    ("www.nokia.com", "nokia.com"),
    ("https://www.Nokia.com/networks?x=1#top", "nokia.com"),
    ("http://nokia.com:8080/", "nokia.com"),
    ("careers.nokia.co.uk", "careers.nokia.co.uk"),
    ("m\u00fcller.example", "xn--mller-kva.example"),
    ("xn--mller-kva.example", "xn--mller-kva.example"),
    ("\u4f8b\u3048.\u30c6\u30b9\u30c8", "xn--r8jz45g.xn--zckzah"),
    ("", None),
    ("nokia", None),
    ("info@nokia.com", None),
    ("https://user:secret@nokia.com/", None),
    ("192.0.2.1", None),
    ("[2001:db8::1]", None),
    ("no kia.com", None),
    ("nokia..com", None),
    ("-a.com", None),
    ("=cmd.example", None),
    ("a_b.example", None),
    ("ftp://nokia.com", None),
    ("x" * 64 + ".com", None),
    ("a." * 200 + "com", None),
    ("\u00fc" * 5000 + ".com", None),
    ("\ud800.com", None),
    ("\x00.com", None),
]


@pytest.mark.parametrize(("given_", "domain"), DOMAINS, ids=[ascii(row[0])[:40] for row in DOMAINS])
def test_domain_is_read_in_every_spelling(given_: str, domain: str | None) -> None:
    assert normal_domain(given_) == domain


@given(st.text(max_size=40) | st.from_regex(r"(https?://)?(www\.)?[a-z0-9.-]{1,30}(:[0-9]*)?(/.*)?", fullmatch=True))
def test_domain_that_was_read_reads_the_same_again(text: str) -> None:
    domain = normal_domain(text)
    if domain is not None and not domain.startswith("www."):
        assert normal_domain(domain) == domain
        assert normal_domain(f"https://www.{domain.upper()}/path") == domain


HEADS = [
    (("Company", "Domain", "Industry"), {Fact.DOMAIN: 1, Fact.INDUSTRY: 2}),
    (
        ("Record ID", "Company Domain Name", "Number of Employees", "Company owner"),
        {Fact.DOMAIN: 1, Fact.SIZE: 2, Fact.OWNER: 3, Fact.CRM_ID: 0},
    ),
    (("id", "website", "domain"), {Fact.DOMAIN: 2, Fact.CRM_ID: 0}),
    (("WEB-SEITE", "Branche", "Mitarbeiter", "ICP?"), {Fact.DOMAIN: 0, Fact.INDUSTRY: 1, Fact.SIZE: 2, Fact.ICP: 3}),
    (("", "", "domain", "domain"), {Fact.DOMAIN: 2}),
    (("Name", "Street"), {}),
]


@pytest.mark.parametrize(("heads", "columns"), HEADS, ids=[row[0][0] + row[0][1] for row in HEADS])
def test_columns_are_guessed_from_their_heads(heads: tuple[str, ...], columns: dict[Fact, int]) -> None:
    assert guessed_columns(heads) == columns


WHOLE = {fact: index for index, fact in enumerate(Fact)}
NAMES = ("Domain", "Industry", "Size", "ICP", "Owner", "CRM")


def test_lines_are_read_and_each_problem_has_its_place() -> None:
    table = Table(
        NAMES,
        (
            (2, ("Nokia.com", "=1+1", "10-50", "Yes", "Mia@Team.example", "@x")),
            (3, ("mit.edu", "", "", "nein", "Somebody else", "")),
            (5, ("short.example",)),
            (6, ("no domain", "x" * 101, "y" * 41, "maybe", "gone@team.example", "a\nb")),
            (8, ("https://nokia.com/", "again", "", "", "", "")),
            (9, ("long.example", "", "", "", "", "", "more cells", "than heads")),
        ),
    )
    found = read_companies(table, WHOLE, {"mia@team.example": 7})
    empty: dict[Fact, Value] = {
        Fact.INDUSTRY: "",
        Fact.SIZE: "",
        Fact.ICP: None,
        Fact.OWNER: OwnerIs(),
        Fact.CRM_ID: "",
    }
    nokia: dict[Fact, Value] = {
        Fact.INDUSTRY: "=1+1",
        Fact.SIZE: "10-50",
        Fact.ICP: True,
        Fact.OWNER: OwnerIs(7),
        Fact.CRM_ID: "@x",
    }
    assert found.companies == [
        CompanyLine(2, "nokia.com", nokia),
        CompanyLine(3, "mit.edu", {**empty, Fact.ICP: False, Fact.OWNER: OwnerIs(None, "Somebody else")}),
        CompanyLine(5, "short.example", empty),
        CompanyLine(9, "long.example", empty),
    ]
    assert found.problems == [
        LineProblem(6, "Domain", "no domain", EXPECTED[Fact.DOMAIN]),
        LineProblem(6, "Industry", "x" * 60, EXPECTED[Fact.INDUSTRY]),
        LineProblem(6, "Size", "y" * 41, EXPECTED[Fact.SIZE]),
        LineProblem(6, "ICP", "maybe", EXPECTED[Fact.ICP]),
        LineProblem(6, "Owner", "gone@team.example", EXPECTED[Fact.OWNER]),
        LineProblem(6, "CRM", "a\nb", EXPECTED[Fact.CRM_ID]),
        LineProblem(8, "Domain", "nokia.com", "each company once: it is in line 2 already"),
    ]
    assert (found.problem_count, found.refused) == (7, 2)


def test_problems_are_counted_beyond_those_that_are_told() -> None:
    table = Table(("d",), tuple((line, ("no domain",)) for line in range(2, 502)))
    found = read_companies(table, {Fact.DOMAIN: 0}, {})
    assert (len(found.problems), found.problem_count, found.refused, found.companies) == (MAX_TOLD, 500, 500, [])


REFUSED = [
    ({Fact.SIZE: 0}, [("domain", "the column that holds the companies' domains")]),
    ({Fact.DOMAIN: 2}, [("domain", "a column of the file")]),
    ({Fact.DOMAIN: -1}, [("domain", "a column of the file")]),
    (
        {Fact.DOMAIN: 0, Fact.SIZE: 0},
        [("domain", "a column that is used once"), ("size", "a column that is used once")],
    ),
]


@pytest.mark.parametrize(("columns", "expected"), REFUSED, ids=str)
def test_columns_that_are_of_no_use_are_refused(columns: dict[Fact, int], expected: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidInputError) as error:
        read_companies(Table(("a", "b"), ()), columns, {})
    assert [(problem.key, problem.expected) for problem in error.value.problems] == expected
