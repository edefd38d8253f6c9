"""Corrections of organisations: the list of a workspace's rules, and the forms that add and remove them."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.roles import Right
from firmly.accounts.rules import RuleId
from firmly.accounts.scope import MemberScope
from firmly.leads.company import Company
from firmly.leads.filter import org_id_of, org_id_text
from firmly.leads.lead import Identity
from firmly.model import InvalidInputError, Problem
from firmly.organisations.overrides import Matcher, OverrideRule, Target, read_rule
from firmly.web.asking import read_span
from firmly.web.forms import Form, number_of
from firmly.web.lead_pages import LIST, NOTHING_GIVEN, company_page
from firmly.web.parts import Parts

PAGE = "/app/corrections"

FIELDS = {
    "organisation.name": "Name",
    "organisation.country": "Country",
    "organisation.domain": "Domain",
    "organisation.kind": "Kind",
    "organisation": "It is",
    "outcome": "It is",
    "is": "It is",
    "name": "For",
    "asn": "For",
    "network": "Network",
    "note": "Note",
    "for": "For",
    "rules": "Corrections",
    "corrected": "Already corrected",
}
"""What a form calls the keys of a rule."""


def corrections(
    parts: Parts,
    request: Request,
    scope: MemberScope,
    *,
    status: int = 200,
    problems: Sequence[Problem] = (),
    given: Mapping[str, str] = NOTHING_GIVEN,
) -> Response:
    """Show the workspace's rules and the form for one by network."""
    return parts.pages.page(
        request,
        "corrections.html",
        scope,
        status,
        effects=parts.leads.rule_book.effects(scope),
        is_complete=parts.leads.rule_book.corrections(scope).is_complete,
        may_correct=scope.may(Right.CORRECT),
        problems=problems,
        given=given,
    )


def reach(parts: Parts, request: Request, scope: MemberScope) -> Response:
    """Answer the part of a company's form that says what a correction would change."""
    found = _company(parts, request, scope, request.path_params["org_id"])
    said = {each.matcher: each for each in parts.leads.rule_book.reach(scope, found.identity)}
    return parts.pages.part("_reach.html", identity=found.identity, reach=said, given=NOTHING_GIVEN)


def add_correction(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    """Add a rule. What is refused comes back in its form, with the reason."""
    if "org" in given:
        return _correct_company(parts, request, scope, given)
    try:
        parts.leads.rule_book.add(scope, _rule(Matcher.NETWORK, given["network"], given))
    except InvalidInputError as error:
        return corrections(parts, request, scope, status=422, problems=_labelled(error), given=given)
    return RedirectResponse(PAGE, 303)


def remove_correction(parts: Parts, _request: Request, scope: MemberScope, given: Form) -> Response:
    parts.leads.rule_book.remove(scope, RuleId(number_of(given, "rule")))
    return RedirectResponse(PAGE, 303)


def _correct_company(parts: Parts, request: Request, scope: MemberScope, given: Form) -> Response:
    found = _company(parts, request, scope, given["org"])
    try:
        rule = _rule_about(found.identity, given)
        _require_difference(rule, found.identity)
        subject = found.identity.name if rule.matcher is Matcher.ORGANISATION else ""
        parts.leads.rule_book.add(scope, rule, subject)
    except InvalidInputError as error:
        span = read_span(request.query_params, parts.leads.today())
        problems = _labelled(error)
        return company_page(parts, request, scope, found, span, status=422, problems=problems, given=given)
    is_renamed = isinstance(rule.outcome, Target)
    return RedirectResponse(f"{LIST}/{org_id_text(found.identity.org_id)}" if is_renamed else PAGE, 303)


def _company(parts: Parts, request: Request, scope: MemberScope, text: str) -> Company:
    org_id = org_id_of(text)
    span = read_span(request.query_params, parts.leads.today())
    found = parts.leads.company(scope, org_id, span.days) if org_id else None
    if found is None:
        raise HTTPException(404)
    return found


def _rule_about(identity: Identity, given: Mapping[str, str]) -> OverrideRule:
    """Return the rule that a company's form asks for; what it is about is the company's own evidence."""
    match given.get("about", ""):
        case Matcher.ORGANISATION:
            return _rule(Matcher.ORGANISATION, org_id_text(identity.org_id), given)
        case Matcher.NAME if identity.registered_name:
            return _rule(Matcher.NAME, identity.registered_name, given)
        case Matcher.ASN if identity.asn:
            return _rule(Matcher.ASN, identity.asn, given)
    problem = Problem("for", "", "this company, its registered name or its AS number")
    raise InvalidInputError("this correction cannot be used", [problem])


def _require_difference(rule: OverrideRule, identity: Identity) -> None:
    said = Target(identity.name, identity.kind, identity.country, identity.domain)
    if rule.outcome == said:
        problem = Problem("organisation.name", identity.name, "something else than it says now")
        raise InvalidInputError("this correction changes nothing", [problem])


def _rule(matcher: Matcher, value: object, given: Mapping[str, str]) -> OverrideRule:
    said: dict[str, Any] = {"note": given.get("note", "")}
    match given.get("is", ""):
        case "another":
            said["organisation"] = {key: given.get(key, "") for key in ("name", "kind", "country", "domain")}
        case "":
            problem = Problem("is", "", "what it is: one of the choices")
            raise InvalidInputError("this correction cannot be used", [problem])
        case outcome:
            said["is"] = outcome
    return read_rule(matcher, value, said)


def _labelled(error: InvalidInputError) -> list[Problem]:
    """Return the problems with the names that the form's fields have."""
    return [Problem(FIELDS.get(each.key, each.key), each.value, each.expected) for each in error.problems]
