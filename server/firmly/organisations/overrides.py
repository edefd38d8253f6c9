"""The operator's word over all data: rules by network, AS number or registered name (O1).

A rule makes an organisation, "not a company" or "own staff" of what it matches. Rules come from a
file that can live in git, and have the same form as rows; one that names a network acts from now
on only, since no network is stored.
"""

import ipaddress
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from firmly.model import (
    Confidence,
    Detail,
    DropReason,
    FirmlyError,
    InvalidInputError,
    Organisation,
    OrgKind,
    Problem,
)
from firmly.organisations.legal_forms import LegalForms
from firmly.organisations.names import name_key, organisation_id, words

OPERATOR = "operator's rule"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Matcher(StrEnum):
    """What a rule looks at; of several that match, the first of these decides."""

    NETWORK = "network"
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
    """One rule: ``value`` is the network, the registered name or the AS number as text.

    ``country`` narrows a name to one country, ``""`` means any. ``note`` says why the rule is there.
    """

    matcher: Matcher
    value: str
    country: str
    outcome: Target | DropReason
    note: str = ""


class Overrides:
    """Rules ready to be asked; the longest network first, then names, then AS numbers."""

    def __init__(self, rules: Iterable[OverrideRule], as_of: date, forms: LegalForms) -> None:
        self.rules = tuple(rules)
        self._as_of = as_of
        self._forms = forms
        self._names: dict[tuple[tuple[str, ...], str], OverrideRule] = {}
        self._asns: dict[int, OverrideRule] = {}
        networks: list[tuple[Network, OverrideRule]] = []
        for rule in self.rules:
            match rule.matcher:
                case Matcher.NETWORK:
                    networks.append((ipaddress.ip_network(rule.value), rule))
                case Matcher.NAME:
                    self._names.setdefault((words(rule.value), rule.country), rule)
                case Matcher.ASN:
                    self._asns.setdefault(int(rule.value), rule)
        networks.sort(key=lambda pair: -pair[0].prefixlen)
        self._networks = [
            (len(network.network_address.packed), int(network.network_address), _shift(network), rule)
            for network, rule in networks
        ]

    def by_network(self, packed: bytes) -> OverrideRule | None:
        """Return the rule with the longest network that holds these 4 or 16 bytes."""
        size, number = len(packed), int.from_bytes(packed, "big")
        for wanted, first, shift, rule in self._networks:
            if wanted == size and number >> shift == first >> shift:
                return rule
        return None

    def by_name(self, name: str, country: str) -> OverrideRule | None:
        key = words(name)
        return self._names.get((key, country)) or self._names.get((key, ""))

    def by_asn(self, asn: int) -> OverrideRule | None:
        return self._asns.get(asn)

    def answer(
        self, rule: OverrideRule, *, asn: int, registered_name: str, is_route: bool
    ) -> Organisation | DropReason:
        """Return what ``rule`` makes of a network; the confidence is that of the operator's word."""
        target = rule.outcome
        if isinstance(target, DropReason):
            return target
        return Organisation(
            id=organisation_id(name_key(target.name, target.country, self._forms), target.country),
            name=target.name,
            kind=target.kind,
            country=target.country,
            domain=target.domain,
            asn=asn,
            registered_name=registered_name,
            source=OPERATOR,
            as_of=self._as_of,
            confidence=Confidence.VERY_HIGH,
            detail=Detail.ROUTE if is_route else Detail.COUNTS,
        )


def _shift(network: Network) -> int:
    return network.max_prefixlen - network.prefixlen


_OUTCOMES = {"not_a_company": DropReason.NOT_A_COMPANY, "own_staff": DropReason.OWN_STAFF}
_KEYS = frozenset(("network", "asn", "name", "country", "organisation", "is", "note"))


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


def _rule(place: int, table: Mapping[str, Any], problems: list[Problem]) -> OverrideRule | None:
    before = len(problems)
    unknown = sorted(set(table) - _KEYS)
    if unknown:
        problems.append(Problem(f"rule {place}", ", ".join(unknown), f"keys among {', '.join(sorted(_KEYS))}"))
    matchers = [matcher for matcher in Matcher if matcher in table]
    if len(matchers) != 1:
        problems.append(Problem(f"rule {place}", ", ".join(matchers), "one of network, asn, name"))
        return None
    matcher = matchers[0]
    value = _value(f"rule {place}.{matcher}", matcher, table[matcher], problems)
    country = _country(f"rule {place}.country", table.get("country", ""), problems)
    outcome = _outcome(place, table, problems)
    if len(problems) > before or outcome is None:
        return None
    return OverrideRule(matcher, value, country, outcome, str(table.get("note", "")))


def _value(key: str, matcher: Matcher, value: object, problems: list[Problem]) -> str:
    """Return the value in one form, or note what is wrong with it."""
    match matcher:
        case Matcher.NETWORK:
            try:
                return str(ipaddress.ip_network(str(value)))
            except ValueError:
                problems.append(Problem(key, "(withheld)", "a network such as 192.0.2.0/24"))
        case Matcher.ASN:
            if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 32:
                return str(value)
            problems.append(Problem(key, str(value), "a whole number from 1 to 4294967295"))
        case Matcher.NAME:
            if isinstance(value, str) and words(value):
                return value
            problems.append(Problem(key, str(value), "a registered name"))
    return ""


def _outcome(place: int, table: Mapping[str, Any], problems: list[Problem]) -> Target | DropReason | None:
    said, made = table.get("is"), table.get("organisation")
    if (said is None) == (made is None):
        problems.append(Problem(f"rule {place}", "", "either organisation or is"))
        return None
    if said is not None:
        outcome = _OUTCOMES.get(str(said))
        if outcome is None:
            problems.append(Problem(f"rule {place}.is", str(said), f"one of {', '.join(_OUTCOMES)}"))
        return outcome
    return _target(f"rule {place}.organisation", made, problems)


def _target(key: str, made: object, problems: list[Problem]) -> Target | None:
    if not isinstance(made, dict) or set(made) - {"name", "kind", "country", "domain"}:
        problems.append(Problem(key, str(made), "a table with name and, as wanted, kind, country, domain"))
        return None
    name, kind = made.get("name"), made.get("kind", OrgKind.BUSINESS.value)
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or not name.isprintable():
        problems.append(Problem(f"{key}.name", str(name), "a name of one line"))
    if kind not in list(OrgKind):
        problems.append(Problem(f"{key}.kind", str(kind), f"one of {', '.join(OrgKind)}"))
        return None
    country = _country(f"{key}.country", made.get("country", ""), problems)
    return Target(str(name).strip(), OrgKind(kind), country, str(made.get("domain", "")).lower())


def _country(key: str, value: object, problems: list[Problem]) -> str:
    if isinstance(value, str) and (not value or (len(value) == 2 and value.isascii() and value.isalpha())):
        return value.upper()
    problems.append(Problem(key, str(value), "two letters, or nothing"))
    return ""
