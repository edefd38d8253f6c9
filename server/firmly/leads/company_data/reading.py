"""What a table says of companies: which column holds what, the companies, and what cannot be read, line by line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from firmly.leads.company_data.facts import EXPECTED, Fact, Value, read_value
from firmly.leads.company_data.table import Table
from firmly.model import InvalidInputError, Problem

MAX_TOLD = 100
"""Problems that are told one by one; there may be more."""
MAX_VALUE = 60

_NO_LETTERS = re.compile(r"[\W_]+")
_NAMES: Mapping[Fact, str] = MappingProxyType(
    {
        Fact.DOMAIN: "domain companydomain companydomainname website companywebsite websiteurl url homepage web "
        "webseite internetadresse verkkosivu verkkotunnus site siteweb",
        Fact.INDUSTRY: "industry branche sector toimiala secteur industria vertical",
        Fact.SIZE: "size companysize sizerange employees numberofemployees employeecount headcount mitarbeiter "
        "anzahlmitarbeiter effectif koko",
        Fact.ICP: "icp isicp icpfit idealcustomer idealcustomerprofile target zielkunde",
        Fact.OWNER: "owner companyowner accountowner recordowner owneremail salesrep besitzer inhaber omistaja",
        Fact.CRM_ID: "crmid recordid id accountid companyid organizationid organisationid hubspotid salesforceid "
        "pipedriveid externalid kundennummer",
    }
)
"""What other programs call the columns, the likeliest first."""


@dataclass(frozen=True, slots=True)
class CompanyLine:
    """A line that can be read: ``values`` of the columns that are taken, without the domain."""

    line: int
    domain: str
    values: Mapping[Fact, Value]


@dataclass(frozen=True, slots=True)
class LineProblem:
    """A cell that cannot be read; its line is left out as a whole."""

    line: int
    column: str
    value: str
    expected: str


@dataclass
class Reading:
    """``problems`` are the first hundred of ``problem_count``; ``refused`` counts the lines that have any."""

    companies: list[CompanyLine] = field(default_factory=list)
    problems: list[LineProblem] = field(default_factory=list)
    problem_count: int = 0
    refused: int = 0

    def refuse(self, problem: LineProblem) -> None:
        self.problem_count += 1
        if len(self.problems) < MAX_TOLD:
            self.problems.append(problem)


Columns = Mapping[Fact, int]
"""Which column of the table holds what, from 0 on."""


def guessed_columns(heads: tuple[str, ...]) -> dict[Fact, int]:
    """Return the columns that the heads name; a column is taken once."""
    plain = [_NO_LETTERS.sub("", head.casefold()) for head in heads]
    found: dict[Fact, int] = {}
    for fact, names in _NAMES.items():
        free = [index for index in range(len(plain)) if index not in found.values()]
        named = [index for name in names.split() for index in free if plain[index] == name]
        if named:
            found[fact] = named[0]
    return found


def read_companies(table: Table, columns: Columns, members: dict[str, int]) -> Reading:
    """Read every line; ``members`` are places in the workspace by e-mail address in lower case.

    Raises:
        InvalidInputError: no column holds the domain, one is taken twice, or there is none of that number.
    """
    _require_usable(table, columns)
    found, first_lines = Reading(), dict[str, int]()
    for line, cells in table.rows:
        before, values = found.problem_count, dict[Fact, Value]()
        for fact, index in columns.items():
            cell = cells[index] if index < len(cells) else ""
            try:
                values[fact] = read_value(fact, cell, members)
            except ValueError:
                found.refuse(LineProblem(line, table.heads[index], cell[:MAX_VALUE], EXPECTED[fact]))
        domain = values.pop(Fact.DOMAIN, None)
        if isinstance(domain, str) and first_lines.setdefault(domain, line) != line:
            head = table.heads[columns[Fact.DOMAIN]]
            expected = f"each company once: it is in line {first_lines[domain]} already"
            found.refuse(LineProblem(line, head, domain[:MAX_VALUE], expected))
        if found.problem_count > before:
            found.refused += 1
        elif isinstance(domain, str):
            found.companies.append(CompanyLine(line, domain, values))
    return found


def _require_usable(table: Table, columns: Columns) -> None:
    problems = []
    if Fact.DOMAIN not in columns:
        problems.append(Problem("domain", "", "the column that holds the companies' domains"))
    taken = list(columns.values())
    for fact, index in columns.items():
        if not 0 <= index < len(table.heads):
            problems.append(Problem(fact.value, str(index), "a column of the file"))
        elif taken.count(index) > 1:
            problems.append(Problem(fact.value, table.heads[index][:MAX_VALUE], "a column that is used once"))
    if problems:
        raise InvalidInputError("these columns cannot be read", problems)
