"""How right the decision is on labelled holders or addresses: named or not, rightly or wrongly, and whom.

Labels are the operator's own and are read for this alone. Nothing is kept, and no label ever
changes a decision.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from firmly.model import Confidence, FirmlyError, Organisation, OrgKind
from firmly.organisations.address import Address
from firmly.organisations.confidence import meets
from firmly.organisations.data_file import OrganisationData
from firmly.organisations.decide import Answer
from firmly.organisations.facts import Found
from firmly.organisations.judge import Judge
from firmly.organisations.offers import Judged
from firmly.organisations.open import Shipped
from firmly.organisations.resolve import Resolver
from firmly.organisations.sources import FirmlySource, open_source

POSITIVE: Mapping[str, OrgKind] = {
    "uni": OrgKind.EDUCATION,
    "education": OrgKind.EDUCATION,
    "gov": OrgKind.GOVERNMENT,
    "government": OrgKind.GOVERNMENT,
    "corp": OrgKind.BUSINESS,
    "business": OrgKind.BUSINESS,
    "nonprofit": OrgKind.NONPROFIT,
}
"""Labels of holders that should be named, with the kind they should be given. Any other label is a
negative: whoever bears none of these should not be named."""

_KINDS = frozenset(OrgKind)
_SAMPLE = 2_000
PERSONS = frozenset(("perso", "person"))
CARRIERS = frozenset(("dsl", "mobile", "vpsh", "cdn", "vpn"))
"""Labels of those who carry or host others, whose addresses together are nearly all there are."""


class Labelled(NamedTuple):
    """One row of labels: an AS number or an address as text, and what it is."""

    asn: int
    address: str
    country: str
    labels: tuple[str, ...]

    def kinds(self) -> frozenset[OrgKind]:
        return frozenset(POSITIVE[label] for label in self.labels if label in POSITIVE)


class Probe(NamedTuple):
    """An address that stands for ``size`` addresses of one labelled row."""

    packed: bytes
    size: int


@dataclass(slots=True)
class Tally:
    """Rows, of these the named, of these the rightly named; and the same in addresses."""

    rows: int = 0
    named: int = 0
    right: int = 0
    addresses: int = 0
    named_addresses: int = 0

    def add(self, scored: "Scored") -> None:
        self.rows += 1
        self.named += scored.is_named
        self.right += scored.is_right
        self.addresses += scored.addresses
        self.named_addresses += scored.named_addresses

    def as_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "named": self.named,
            "named_share": _share(self.named, self.rows),
            "right_kind_share": _share(self.right, self.named),
            "named_address_share": _share(self.named_addresses, self.addresses),
        }


class Scored(NamedTuple):
    """How one row came out; ``outcome`` is a kind, a drop reason or ``low_confidence``."""

    row: Labelled
    outcome: str
    is_named: bool
    is_right: bool
    addresses: int
    named_addresses: int


@dataclass(slots=True)
class Report:
    """Figures of one data set. ``confusion`` counts rows by label and outcome, ``kinds`` are rows by the kind given."""

    labels: dict[str, Tally] = field(default_factory=dict)
    countries: dict[str, Tally] = field(default_factory=dict)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    all_rows: Tally = field(default_factory=Tally)
    positives: Tally = field(default_factory=Tally)
    negatives: Tally = field(default_factory=Tally)
    persons: Tally = field(default_factory=Tally)
    carriers: Tally = field(default_factory=Tally)
    kinds: dict[str, Tally] = field(default_factory=dict)
    not_found: int = 0

    def add(self, scored: Scored) -> None:
        row = scored.row
        for label in row.labels:
            self.labels.setdefault(label, Tally()).add(scored)
            self.confusion[label, scored.outcome] += 1
        self.all_rows.add(scored)
        if row.kinds():
            self.positives.add(scored)
            self.countries.setdefault(row.country or "?", Tally()).add(scored)
        else:
            self.negatives.add(scored)
        if PERSONS.intersection(row.labels):
            self.persons.add(scored)
        if CARRIERS.intersection(row.labels):
            self.carriers.add(scored)
        if scored.is_named:
            self.kinds.setdefault(scored.outcome, Tally()).add(scored)

    def as_json(self) -> dict[str, Any]:
        """Return the figures: shares are 0 to 1, None where there is nothing to divide."""
        confusion: dict[str, dict[str, int]] = {}
        for (label, outcome), count in sorted(self.confusion.items()):
            confusion.setdefault(label, {})[outcome] = count
        return {
            "rows": self.all_rows.rows,
            "not_found": self.not_found,
            "precision": _share(self.positives.right, self.all_rows.named),
            "recall": _share(self.positives.right, self.positives.rows),
            "abstention": _share(self.all_rows.rows - self.all_rows.named, self.all_rows.rows),
            "false_company_rate": _share(self.negatives.named, self.negatives.rows),
            "false_company_address_rate": _share(self.negatives.named_addresses, self.negatives.addresses),
            "carrier_address_rate": _share(self.carriers.named_addresses, self.carriers.addresses),
            "person_leak_rate": _share(self.persons.named, self.persons.rows),
            "kind_precision": {kind: _share(tally.right, tally.rows) for kind, tally in sorted(self.kinds.items())},
            "labels": {label: tally.as_json() for label, tally in sorted(self.labels.items())},
            "countries": {code: tally.as_json() for code, tally in sorted(self.countries.items())},
            "confusion": confusion,
        }


def read_labels(path: Path) -> list[Labelled]:
    """Read a CSV file with a header: ``asn`` or ``address``, ``labels`` (or ``label``), maybe ``country``.

    Raises:
        FirmlyError: when a column is missing or a number is none; tells the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return [_labelled(path, place, row) for place, row in enumerate(csv.DictReader(file), 2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FirmlyError(f"{path}: not a CSV file that can be read ({type(error).__name__})") from None


def _labelled(path: Path, place: int, row: Mapping[str, str | None]) -> Labelled:
    labels = tuple((row.get("labels") or row.get("label") or "").replace(",", " ").lower().split())
    number = (row.get("asn") or "").strip().upper().removeprefix("AS")
    address = (row.get("address") or "").strip()
    if not labels or not (number.isdecimal() or address):
        raise FirmlyError(f"{path}, line {place}: expected labels, and a number in asn or an address")
    return Labelled(int(number) if number else 0, address, (row.get("country") or "").upper(), labels)


def probes_by_asn(data: OrganisationData, asns: frozenset[int]) -> dict[int, list[Probe]]:
    """Return one address per network of each of ``asns``; IPv6 networks weigh nothing."""
    found: dict[int, list[Probe]] = {}
    wanted = [holder.asn if holder.asn in asns else 0 for holder in data.holders]
    for network, row in data.reader:
        asn = wanted[data.row_holders[row]] if isinstance(row, int) else 0
        if asn:
            size = network.num_addresses if network.version == 4 else 0
            first = network.network_address + min(1, network.num_addresses - 1)
            found.setdefault(asn, []).append(Probe(first.packed, size))
    return found


def evaluate(
    rows: Iterable[Labelled], probes: Mapping[int, list[Probe]], resolver: Resolver, minimum: Confidence
) -> Report:
    """Score ``rows``. A holder counts as what most of its addresses come out as."""
    report = Report()
    for row in rows:
        asked = [Probe(Address.parse(row.address).packed(), 1)] if row.address else probes.get(row.asn, [])
        if asked:
            report.add(_score(row, asked, resolver, minimum))
        else:
            report.not_found += 1
    return report


def sample_verdicts(path: Path, today: date, shipped: Shipped) -> Counter[str]:
    """Return how the holders of a built file come out, by kind or reason, in an even sample of them."""
    source = open_source(path, today)
    if not isinstance(source, FirmlySource):
        raise FirmlyError(f"{path}: not a file made by `firmly orgs build`")
    judge = Judge(shipped.lists, source.holders())
    places = range(0, len(source.data.holders), max(1, len(source.data.holders) // _SAMPLE))
    facts = (source.facts_of(place) for place in places)
    judged = (judge.consider((Found(one, 0, source.data_set),)).considered.judged for one in facts)
    return Counter(_verdict(verdicts) for verdicts in judged)


def _verdict(judged: tuple[Judged, ...]) -> str:
    if not judged:
        return "no_name"
    organisation, reason = judged[0].organisation, judged[0].reason
    return organisation.kind.value if organisation else str(reason)


def _score(row: Labelled, asked: list[Probe], resolver: Resolver, minimum: Confidence) -> Scored:
    weights: Counter[str] = Counter()
    total = named = 0
    for packed, size in asked:
        outcome = _outcome(resolver.resolve(Address(packed)), minimum)
        weights[outcome] += size or 1
        total += size
        named += size if outcome in _KINDS else 0
    leading = max(weights, key=lambda outcome: weights[outcome])
    is_named = leading in _KINDS
    return Scored(row, leading, is_named, is_named and OrgKind(leading) in row.kinds(), total, named)


def _outcome(answer: Answer, minimum: Confidence) -> str:
    if not isinstance(answer, Organisation):
        return answer.value
    return answer.kind.value if meets(answer, minimum) else "low_confidence"


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 5) if whole else None


def in_words(name: str, report: Report) -> Iterator[str]:
    """Say a report in lines for people."""
    figures = report.as_json()
    yield f"{name}: {figures['rows']} rows, {figures['not_found']} in no data"
    for key in (
        "precision", "recall", "abstention", "false_company_rate", "carrier_address_rate", "person_leak_rate"
    ):  # fmt: skip
        yield f"  {key.replace('_', ' '):<20} {_per_cent(figures[key])}"
    for kind, share in figures["kind_precision"].items():
        yield f"  {f'right of {kind}':<20} {_per_cent(share)}"
    yield f"  {'label':<12} {'rows':>6} {'named':>6} {'share':>8} {'right kind':>11} {'addresses':>10}"
    for label, tally in figures["labels"].items():
        shares = [_per_cent(tally[f"{of}_share"]) for of in ("named", "right_kind", "named_address")]
        yield f"  {label:<12} {tally['rows']:>6} {tally['named']:>6} {shares[0]:>8} {shares[1]:>11} {shares[2]:>10}"
    for label, outcomes in figures["confusion"].items():
        said = ", ".join(f"{outcome} {count}" for outcome, count in Counter(outcomes).most_common())
        yield f"  {label} came out as: {said}"


def _per_cent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.2f} %"
