"""The operator's word, or a workspace's own, over all data: rules by network, AS number or registered name (O1).

A rule makes an organisation, "not a company" or "own staff" of what it matches. The operator's come
from a file that can live in git; a workspace's are rows of the same form, which may also name an
organisation by its id. One that names a network acts from now on only, since no network is stored.
"""

import ipaddress
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, assert_never

from firmly.model import (
    Alternative,
    Confidence,
    Detail,
    DropReason,
    FirmlyError,
    InvalidInputError,
    Organisation,
    OrgId,
    OrgKind,
    Problem,
)
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.names import name_key, organisation_id, words

OPERATOR = "operator's rule"
TEAM = "your team's rule"
MAX_TEXT = 300
"""Characters of a registered name or a note."""
NAMED = {4: (12, 29), 16: (28, 48)}
"""The shortest and longest prefix to which a workspace's rule may give a name, by the address's bytes: more
is no company's, and less may be one person's line."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Matcher(StrEnum):
    """What a rule looks at; of several that match, the first of these decides."""

    NETWORK = "network"
    ORGANISATION = "organisation"
    NAME = "name"
    ASN = "asn"


@dataclass(frozen=True, slots=True)
class Target:
    """The organisation that a rule names."""

    name: str
    kind: OrgKind
    country: str
    domain: str


@dataclass(frozen=True, slots=True)
class OverrideRule:
    """One rule: ``value`` is the network, the organisation's id (16 hexadecimal digits), the
    registered name or the AS number as text.

    ``country`` narrows a name to one country, ``""`` means any. ``note`` says why the rule is there,
    ``since`` since when; None where that is not known.
    """

    matcher: Matcher
    value: str
    country: str
    outcome: Target | DropReason
    note: str = ""
    since: date | None = None


class Overrides:
    """Rules ready to be asked; the longest network first, then names, then AS numbers.

    ``as_of`` dates rules that have no date of their own, ``source`` says whose word they are.
    """

    def __init__(self, rules: Iterable[OverrideRule], as_of: date, forms: LegalForms, source: str = OPERATOR) -> None:
        self.rules = tuple(rules)
        self._as_of = as_of
        self._forms = forms
        self._source = source
        self._names: dict[tuple[tuple[str, ...], str], OverrideRule] = {}
        self._asns: dict[int, OverrideRule] = {}
        self._organisations: dict[OrgId, OverrideRule] = {}
        networks: defaultdict[tuple[int, int], dict[int, OverrideRule]] = defaultdict(dict)
        for rule in self.rules:
            match rule.matcher:
                case Matcher.NETWORK:
                    network = ipaddress.ip_network(rule.value)
                    at = _size(network), _shift(network)
                    networks[at].setdefault(int(network.network_address) >> at[1], rule)
                case Matcher.NAME:
                    self._names.setdefault((words(rule.value), rule.country), rule)
                case Matcher.ASN:
                    self._asns.setdefault(int(rule.value), rule)
                case Matcher.ORGANISATION:
                    self._organisations.setdefault(OrgId(int(rule.value, 16)), rule)
                case _:
                    assert_never(rule.matcher)
        # The longest networks first; their beginnings by their length, so that a thousand cost little more than one.
        self._networks = [(*at, networks[at]) for at in sorted(networks, key=lambda at: at[1])]

    def by_network(self, packed: bytes) -> OverrideRule | None:
        """Return the rule with the longest network that holds these 4 or 16 bytes."""
        size, number = len(packed), int.from_bytes(packed, "big")
        for wanted, shift, rules in self._networks:
            if wanted == size and (rule := rules.get(number >> shift)):
                return rule
        return None

    def by_organisation(self, organisation: OrgId) -> OverrideRule | None:
        return self._organisations.get(organisation)

    def by_name(self, name: str, country: str) -> OverrideRule | None:
        if not self._names:
            return None  # Folding a name takes longer than all the rest.
        key = words(name)
        return self._names.get((key, country)) or self._names.get((key, ""))

    def by_asn(self, asn: int) -> OverrideRule | None:
        return self._asns.get(asn)

    def by_holder(self, registered_name: str, country: str, asn: int) -> OverrideRule | None:
        """Return the rule for whom a network is registered: by name, else by AS number."""
        return self.by_name(registered_name, country) or self.by_asn(asn)

    def target_id(self, target: Target) -> OrgId:
        """Return the id under which the organisation that a rule names is kept."""
        return organisation_id(name_key(target.name, target.country, self._forms), target.country)

    def date_of(self, rule: OverrideRule) -> date:
        return rule.since or self._as_of

    def answer(
        self,
        rule: OverrideRule,
        *,
        asn: int,
        registered_name: str,
        is_route: bool,
        alternatives: tuple[Alternative, ...] = (),
    ) -> Organisation | DropReason:
        """Return what ``rule`` makes of a network; the confidence is that of a person's word."""
        target = rule.outcome
        if isinstance(target, DropReason):
            return target
        return Organisation(
            id=self.target_id(target),
            name=target.name,
            kind=target.kind,
            country=target.country,
            domain=target.domain,
            asn=asn,
            registered_name=registered_name,
            source=self._source,
            as_of=self.date_of(rule),
            confidence=Confidence.VERY_HIGH,
            detail=Detail.ROUTE if is_route else Detail.COUNTS,
            alternatives=alternatives,
        )


def _size(network: Network) -> int:
    return network.max_prefixlen // 8


def _shift(network: Network) -> int:
    return network.max_prefixlen - network.prefixlen


_OUTCOMES = {"not_a_company": DropReason.NOT_A_COMPANY, "own_staff": DropReason.OWN_STAFF}
_IN_FILES = (Matcher.NETWORK, Matcher.NAME, Matcher.ASN)
_KEYS = frozenset((*_IN_FILES, "country", "organisation", "is", "note"))
_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_ORG_ID = re.compile("[0-9a-f]{16}")
_MAPPED: dict[int, Any] = {
    4: ipaddress.ip_network("0.0.0.0/32"),
    6: ipaddress.ip_network("::ffff:0:0/96"),
}
"""Networks in which no visitor's address is: IPv4 inside IPv6 is unwrapped before rules are asked."""


def read_overrides(path: Path, forms: LegalForms, today: date) -> Overrides:
    """Read the rules of a TOML file, dated ``today``: when they took effect here.

    Raises:
        InvalidInputError: with every rule that cannot be used.
        FirmlyError: when the file cannot be read.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FirmlyError(f"{path}: not a TOML file that can be read ({error})") from None
    tables = content.get("rule", [])
    problems: list[Problem] = []
    if set(content) - {"rule"} or not isinstance(tables, list):
        problems.append(Problem("file", ", ".join(content), "tables named [[rule]] only"))
        tables = []
    rules = [rule for place, table in enumerate(tables, 1) if (rule := _rule(place, table, problems)) is not None]
    if problems:
        raise InvalidInputError(f"{path}: these rules cannot be used", problems)
    return Overrides(rules, today, forms)


def read_rule(matcher: Matcher, value: object, said: Mapping[str, Any]) -> OverrideRule:
    """Check a rule of a workspace, which takes the form that rules have in a file.

    ``said`` has ``is`` or ``organisation``, and maybe ``country`` and ``note``; an id of an
    organisation is 16 hexadecimal digits.

    Raises:
        InvalidInputError: with every problem found.
    """
    problems: list[Problem] = []
    rule = _checked("", matcher, value, said, problems)
    if rule is not None and matcher is Matcher.NETWORK and isinstance(rule.outcome, Target):
        network = ipaddress.ip_network(rule.value)
        largest, smallest = NAMED[_size(network)]
        if not largest <= network.prefixlen <= smallest:
            expected = "a network from /12 to /29, or of IPv6 from /28 to /48: none smaller, which may be one person's"
            problems.append(Problem("network", "(withheld)", expected))
    if problems or rule is None:
        raise InvalidInputError("this correction cannot be used", problems)
    return rule


def _rule(place: int, table: Mapping[str, Any], problems: list[Problem]) -> OverrideRule | None:
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        problems.append(Problem(f"rule {place}", ", ".join(unknown), f"keys among {', '.join(sorted(_KEYS))}"))
    matchers = [matcher for matcher in _IN_FILES if matcher in table]
    if len(matchers) != 1:
        problems.append(Problem(f"rule {place}", ", ".join(matchers), "one of network, asn, name"))
        return None
    return _checked(f"rule {place}", matchers[0], table[matchers[0]], table, problems)


def _checked(
    place: str, matcher: Matcher, value: object, said: Mapping[str, Any], problems: list[Problem]
) -> OverrideRule | None:
    before = len(problems)
    checked = _value(_key(place, matcher), matcher, value, problems)
    country = _country(_key(place, "country"), said.get("country", ""), problems)
    outcome = _outcome(place, said, problems)
    note = said.get("note", "")
    if not isinstance(note, str) or len(note) > MAX_TEXT or not note.isprintable():
        problems.append(Problem(_key(place, "note"), str(note)[:40], f"one line of at most {MAX_TEXT} characters"))
    if len(problems) > before or outcome is None:
        return None
    return OverrideRule(matcher, checked, country, outcome, note)


def _key(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _value(key: str, matcher: Matcher, value: object, problems: list[Problem]) -> str:
    """Return the value in one form, or note what is wrong with it."""
    match matcher:
        case Matcher.NETWORK:
            try:
                network = ipaddress.ip_network(str(value) if "%" not in str(value) else "")
            except ValueError:
                network = None
            if network is not None and not network.subnet_of(_MAPPED[network.version]):
                return str(network)
            problems.append(Problem(key, "(withheld)", "a network such as 192.0.2.0/24"))
        case Matcher.ASN:
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 32:
                return str(value)
            problems.append(Problem(key, str(value)[:40], "a whole number from 1 to 4294967295"))
        case Matcher.NAME:
            if isinstance(value, str) and words(value) and len(value) <= MAX_TEXT and value.isprintable():
                return value
            problems.append(Problem(key, str(value)[:40], "a registered name"))
        case Matcher.ORGANISATION:
            if isinstance(value, str) and _ORG_ID.fullmatch(value):
                return value
            problems.append(Problem(key, str(value)[:40], "the id of an organisation, 16 hexadecimal digits"))
        case _:
            assert_never(matcher)
    return ""


def _outcome(place: str, table: Mapping[str, Any], problems: list[Problem]) -> Target | DropReason | None:
    said, made = table.get("is"), table.get("organisation")
    if (said is None) == (made is None):
        problems.append(Problem(place or "outcome", "", "either organisation or is"))
        return None
    if said is not None:
        outcome = _OUTCOMES.get(str(said))
        if outcome is None:
            problems.append(Problem(_key(place, "is"), str(said)[:40], f"one of {', '.join(_OUTCOMES)}"))
        return outcome
    return _target(_key(place, "organisation"), made, problems)


def _target(key: str, made: object, problems: list[Problem]) -> Target | None:
    if not isinstance(made, dict) or set(made) - {"name", "kind", "country", "domain"}:
        problems.append(Problem(key, str(made), "a table with name and, as wanted, kind, country, domain"))
        return None
    name, kind = made.get("name"), made.get("kind", OrgKind.BUSINESS.value)
    if not isinstance(name, str) or not words(name) or len(name) > 200 or not name.isprintable():
        problems.append(Problem(f"{key}.name", str(name)[:40], "a name of one line"))
    if kind not in list(OrgKind):
        problems.append(Problem(f"{key}.kind", str(kind)[:40], f"one of {', '.join(OrgKind)}"))
        return None
    country = _country(f"{key}.country", made.get("country", ""), problems)
    domain = str(made.get("domain", "")).strip().lower()
    if domain.count(".") > 1:  # Companies are told apart without it.
        domain = domain.removeprefix("www.")
    if domain and not _DOMAIN.fullmatch(domain):
        problems.append(Problem(f"{key}.domain", domain[:40], "a domain such as example.com, or nothing"))
    return Target(str(name).strip(), OrgKind(kind), country, domain)


def _country(key: str, value: object, problems: list[Problem]) -> str:
    if isinstance(value, str) and (not value or (len(value) == 2 and value.isascii() and value.isalpha())):
        return value.upper()
    problems.append(Problem(key, str(value)[:40], "two letters, or nothing"))
    return ""
