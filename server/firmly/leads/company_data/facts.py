"""What a team's own data says of a company, and how one value of it is read. Values only."""

from dataclasses import dataclass
from enum import StrEnum

from firmly.settings import ascii_domain

MAX_TEXT = 100
MAX_SIZE = 40
MAX_DOMAIN = 253
_LONGEST_GIVEN = 2000


class Fact(StrEnum):
    """What a column of a file may hold. `DOMAIN` says which company it is about."""

    DOMAIN = "domain"
    INDUSTRY = "industry"
    SIZE = "size"
    ICP = "icp"
    OWNER = "owner"
    CRM_ID = "crm_id"


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """``icp``: whether it is the kind of customer that the team looks for, None where nobody said. ``owner`` is a
    member's name as it is now, or what the file said. ``crm_id`` is the company's number in the team's own system."""

    industry: str = ""
    size: str = ""
    icp: bool | None = None
    owner: str = ""
    crm_id: str = ""


@dataclass(frozen=True, slots=True)
class OwnerIs:
    """An owner as a file names one: a member's place in the workspace by its number, or a text."""

    membership_id: int | None = None
    text: str = ""


Value = str | bool | None | OwnerIs

_YES = frozenset(("yes", "y", "true", "1", "x", "ja", "j", "oui", "si", "s\u00ed", "sim", "kyll\u00e4", "wahr", "vrai"))
_NO = frozenset(("no", "n", "false", "0", "-", "nein", "non", "n\u00e3o", "ei", "nej", "nee", "falsch", "faux"))

EXPECTED = {
    Fact.DOMAIN: "a company's domain, such as example.com",
    Fact.INDUSTRY: f"one line of at most {MAX_TEXT} characters",
    Fact.SIZE: f"one line of at most {MAX_SIZE} characters",
    Fact.ICP: "yes or no, or nothing",
    Fact.OWNER: f"the e-mail address of a member, or one line of at most {MAX_TEXT} characters",
    Fact.CRM_ID: f"one line of at most {MAX_TEXT} characters",
}


def normal_domain(text: str) -> str | None:
    """Return the domain by which companies are told apart: as the DNS writes it, without scheme, www and path.

    None for what is none, such as an e-mail address or a network address.
    """
    host = text.strip().lower()
    if len(host) > _LONGEST_GIVEN:
        return None
    host = host.partition("://")[2] if host.startswith(("http://", "https://")) else host
    for end in "/?#":
        host = host.partition(end)[0]
    name, colon, port = host.partition(":")
    if colon and not (port.isascii() and port.isdigit()):
        return None
    name = name.removesuffix(".").removeprefix("www.")
    if len(name) > MAX_DOMAIN:
        return None
    try:
        domain = ascii_domain(name)
    except ValueError:  # `idna.IDNAError` is one.
        return None
    return None if domain.rpartition(".")[2].isdigit() else domain


def read_value(fact: Fact, text: str, members: dict[str, int]) -> Value:
    """Return what a cell says; ``members`` are places in the workspace by e-mail address in lower case.

    Raises ValueError where it cannot be read; `EXPECTED` says what would have been right.
    """
    match fact:
        case Fact.DOMAIN:
            domain = normal_domain(text)
            if domain is None:
                raise ValueError(fact)
            return domain
        case Fact.ICP:
            return _yes_or_no(text)
        case Fact.OWNER if "@" in text:
            if text.lower() not in members:
                raise ValueError(fact)
            return OwnerIs(members[text.lower()])
        case Fact.OWNER:
            return OwnerIs(None, _line(text, MAX_TEXT))
        case Fact.SIZE:
            return _line(text, MAX_SIZE)
        case Fact.INDUSTRY | Fact.CRM_ID:
            return _line(text, MAX_TEXT)


def _yes_or_no(text: str) -> bool | None:
    said = text.casefold()
    if not said:
        return None
    if said not in _YES | _NO:
        raise ValueError(Fact.ICP)
    return said in _YES


def _line(text: str, most: int) -> str:
    """Return a text as it is, also one that looks like a formula: it is text here, and where it is exported."""
    if len(text) > most or not text.isprintable():
        raise ValueError(most)
    return text
