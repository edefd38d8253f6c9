"""Corrections of organisations: the list of a workspace's rules, and the forms that add and remove them."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from firmly.accounts.roles import may_correct
from firmly.accounts.rules import RuleId
from firmly.accounts.scope import Scope
from firmly.leads.company import Company
from firmly.leads.filter import org_id_of, org_id_text
from firmly.leads.lead import Identity
from firmly.model import InvalidInputError, Problem
from firmly.organisations.overrides import Matcher, OverrideRule, Target, read_rule
from firmly.web.asking import read_span
from firmly.web.door import ask_to_sign_in
from firmly.web.forms import read_form
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
    scope: Scope,
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
        is_complete=parts.leads.rule_book.corrections(scope.workspace_id).is_complete,
        may_correct=may_correct(scope.role),
        problems=problems,
        given=given,
    )


def reach(parts: Parts, request: Request, scope: Scope) -> Response:
    """Answer the part of a company's form that says what a correction would change."""
    found = _company(parts, request, scope, request.path_params["org_id"])
    said = {each.matcher: each for each in parts.leads.rule_book.reach(scope, found.identity)}
    return parts.pages.part("_reach.html", identity=found.identity, reach=said, given=NOTHING_GIVEN)


class Correcting:
    """Handlers of the forms. What is refused comes back in its form, with the reason."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def add(self, request: Request) -> Response:
        given = await read_form(self._parts, request)
        return await run_in_threadpool(self._add, request, given)

    async def remove(self, request: Request) -> Response:
        given = await read_form(self._parts, request)
        return await run_in_threadpool(self._remove, request, given)

    def _add(self, request: Request, given: dict[str, str]) -> Response:
        scope = self._parts.sessions.scope(request)
        if scope is None:
            return ask_to_sign_in(request)
        _require_right(scope)
        if "org" in given:
            return self._correct_company(request, scope, given)
        try:
            self._parts.leads.rule_book.add(scope, _rule(Matcher.NETWORK, given.get("network", ""), given))
        except InvalidInputError as error:
            return corrections(self._parts, request, scope, status=422, problems=_labelled(error), given=given)
        return RedirectResponse(PAGE, 303)

    def _correct_company(self, request: Request, scope: Scope, given: dict[str, str]) -> Response:
        found = _company(self._parts, request, scope, given["org"])
        try:
            rule = _rule_about(found.identity, given)
            _require_difference(rule, found.identity)
            subject = found.identity.name if rule.matcher is Matcher.ORGANISATION else ""
            self._parts.leads.rule_book.add(scope, rule, subject)
        except InvalidInputError as error:
            span = read_span(request.query_params, self._parts.leads.today())
            problems = _labelled(error)
            return company_page(self._parts, request, scope, found, span, status=422, problems=problems, given=given)
        is_renamed = isinstance(rule.outcome, Target)
        return RedirectResponse(f"{LIST}/{org_id_text(found.identity.org_id)}" if is_renamed else PAGE, 303)

    def _remove(self, request: Request, given: dict[str, str]) -> Response:
        scope = self._parts.sessions.scope(request)
        if scope is None:
            return ask_to_sign_in(request)
        _require_right(scope)
        number = given.get("rule", "")
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise HTTPException(404)
        self._parts.leads.rule_book.remove(scope, RuleId(int(number)))
        return RedirectResponse(PAGE, 303)


def _company(parts: Parts, request: Request, scope: Scope, text: str) -> Company:
    org_id = org_id_of(text)
    span = read_span(request.query_params, parts.leads.today())
    found = parts.leads.company(scope, org_id, span.days) if org_id else None
    if found is None:
        raise HTTPException(404)
    return found


def _require_right(scope: Scope) -> None:
    if not may_correct(scope.role):
        raise HTTPException(403)


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
