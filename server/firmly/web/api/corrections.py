"""Corrections of organisations: the workspace's rules about who a company is."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from firmly.accounts.roles import Right
from firmly.accounts.rules import KeptRule, RuleId
from firmly.leads.days import DayRange
from firmly.leads.filter import org_id_of
from firmly.leads.rule_book import Reach
from firmly.model import InvalidInputError, NotFoundError, OrgKind, Problem
from firmly.organisations.overrides import Matcher, OverrideRule, Target, read_rule
from firmly.web.api.operation import Call, Nothing, Operation
from firmly.web.api.paging import Page, Paged, slice_of
from firmly.web.api.sets import NotACompany, RowId, Time
from firmly.web.api.spans import USUAL_DAYS


class CorrectionPath(Struct, frozen=True):
    id: RowId


class Replacement(Struct, frozen=True, forbid_unknown_fields=True):
    """The organisation that it is instead."""

    name: str
    kind: OrgKind = OrgKind.BUSINESS
    country: Annotated[str, Meta(description="Two letters, or empty.")] = ""
    domain: str = ""


class NewCorrection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"outcome": "is"}):
    """A rule to add: what it is about, and either `is` or `organisation`."""

    about: Annotated[Matcher, Meta(examples=["asn"])]
    value: Annotated[
        str,
        Meta(
            description="The company's id, its registered name, an AS number or a network, as `about` says.",
            examples=["64500"],
        ),
    ]
    outcome: Annotated[NotACompany | None, Meta(examples=["own_staff"])] = None
    organisation: Replacement | None = None
    country: Annotated[str, Meta(description="Narrows a name to one country; two letters, or empty.")] = ""
    note: Annotated[str, Meta(description="Why; one line.")] = ""


class CorrectionView(Struct, frozen=True, kw_only=True, rename={"outcome": "is"}):
    """A rule, with what it decides for in the last 30 days."""

    id: RowId
    about: Matcher
    value: str
    outcome: NotACompany | None
    organisation: Replacement | None
    country: str
    note: str
    subject: Annotated[str, Meta(description="The company's name when it was corrected; empty for other rules.")]
    author: Annotated[str | None, Meta(description="Null for a token, and once they have left.")]
    created_at: Time
    companies: int
    visits: int


def list_corrections(call: Call[Nothing, Paged, Nothing]) -> Page[CorrectionView]:
    """List the workspace's corrections, newest first."""
    effects = call.parts.leads.rule_book.effects(call.scope)
    shown, more = slice_of(effects, call.query, lambda effect: effect[0].id, newest_first=True)
    return Page([_view(kept, reach) for kept, reach in shown], more)


def add_correction(call: Call[Nothing, Nothing, NewCorrection]) -> CorrectionView:
    """Correct an organisation for the whole workspace.

    One about a company takes the id of a company that the list can show. One about a network acts from now on.
    """
    given, rule_book = call.body, call.parts.leads.rule_book
    rule = read_rule(given.about, _value(given), _said(given))
    subject = _subject(call, rule) if rule.matcher is Matcher.ORGANISATION else ""
    added = rule_book.add(call.scope, rule, subject)
    return next(_view(kept, reach) for kept, reach in rule_book.effects(call.scope) if kept.id == added)


def remove_correction(call: Call[CorrectionPath, Nothing, Nothing]) -> None:
    """Remove a correction: the history is as before."""
    if not call.parts.leads.rule_book.remove(call.scope, RuleId(call.path.id)):
        raise NotFoundError


def _value(given: NewCorrection) -> object:
    is_number = given.about is Matcher.ASN and given.value.isascii() and given.value.isdigit() and len(given.value) < 11
    return int(given.value) if is_number else given.value


def _said(given: NewCorrection) -> dict[str, Any]:
    said: dict[str, Any] = {"country": given.country, "note": given.note}
    if given.outcome is not None:
        said["is"] = given.outcome.value
    if given.organisation is not None:
        made = given.organisation
        said["organisation"] = {
            "name": made.name,
            "kind": made.kind.value,
            "country": made.country,
            "domain": made.domain,
        }
    return said


def _subject(call: Call[Nothing, Nothing, NewCorrection], rule: OverrideRule) -> str:
    """Return the company's name. Raises InvalidInputError where the list cannot show it, or nothing would change."""
    org_id, leads = org_id_of(rule.value), call.parts.leads
    found = leads.company(call.scope, org_id, DayRange.until(leads.today(), USUAL_DAYS)) if org_id else None
    if found is None:
        problem = Problem("value", rule.value, "the id of a company that the list of leads can show")
        raise InvalidInputError("this correction cannot be added", [problem])
    one = found.identity
    if rule.outcome == Target(one.name, one.kind, one.country, one.domain):
        problem = Problem("organisation", one.name, "something else than it says now")
        raise InvalidInputError("this correction changes nothing", [problem])
    return one.name


def _view(kept: KeptRule, reach: Reach) -> CorrectionView:
    rule, said = kept.rule, kept.rule.outcome
    return CorrectionView(
        id=kept.id,
        about=rule.matcher,
        value=rule.value,
        outcome=None if isinstance(said, Target) else NotACompany(said.value),
        organisation=Replacement(said.name, said.kind, said.country, said.domain) if isinstance(said, Target) else None,
        country=rule.country,
        note=rule.note,
        subject=kept.subject,
        author=kept.author,
        created_at=kept.created_at,
        companies=reach.companies,
        visits=reach.visits,
    )


_NEEDS = frozenset({Right.CORRECT})

OPERATIONS = (
    Operation("GET", "/corrections", list_corrections, _NEEDS),
    Operation("POST", "/corrections", add_correction, _NEEDS, 201, refuses=(422,)),
    Operation("DELETE", "/corrections/{id}", remove_correction, _NEEDS, 204),
)
