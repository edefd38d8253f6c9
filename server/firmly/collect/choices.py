"""`POST /f/c` and `POST /f/c/token`: a visitor's choice, and a fresh token while it stands.

Fails closed: what is not a clear choice grants nothing, and neither does a signal of the browser.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.site import Site
from firmly.collect.consent_door import (
    ConsentDoor,
    Key,
    Language,
    Receipt,
    answer_json,
    is_cross_site,
    moment,
    problem,
)
from firmly.consent.choice import Action, Granted, comes_from, fits
from firmly.consent.service import Choice, Chosen, Consent, Token
from firmly.model import Category


class ChoiceBody(msgspec.Struct, frozen=True):
    site: Key
    banner: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
    language: Language
    action: Action
    choices: dict[Category, bool]
    source: Annotated[str, msgspec.Meta(pattern=r"^(banner|preferences|api|signal)\Z")]
    receipt: Receipt | None = None

    def granted_of(self, asked: Iterable[Category]) -> Granted:
        """Only a clear yes to what the banner asked for grants; what was not asked cannot be agreed to."""
        return frozenset(category for category in asked if self.choices.get(category) is True)


class TokenBody(msgspec.Struct, frozen=True):
    site: Key
    receipt: Receipt | None = None


class Choices:
    """Answers the two routes."""

    def __init__(self, door: ConsentDoor, consent: Consent) -> None:
        self._door = door
        self._consent = consent

    async def choose(self, request: Request) -> Response:
        admitted = await self._door.admit(request, ChoiceBody, appends=True)
        if isinstance(admitted, Response):
            return admitted
        site, body = admitted
        if not comes_from(body.action, body.source):
            said = f"`$.action` {body.action.value!r} does not come from `$.source` {body.source!r}"
            return problem(400, "Malformed", said, request)
        return await self._door.answered(
            request, "The choice was not stored; send it again", lambda: self._choose(request, site, body)
        )

    async def _choose(self, request: Request, site: Site, body: ChoiceBody) -> Response:
        asked_for = await self._door.apart(self._consent.asked, site, body.banner)
        if asked_for is None:
            return _unknown_banner(request)
        granted = body.granted_of(asked_for.categories)
        if not fits(body.action, granted, asked_for.categories):
            return problem(400, "Malformed", f"`$.choices` contradict `$.action` {body.action.value!r}", request)
        if body.language not in asked_for.languages:
            return problem(400, "Unknown language", "Expected at `$.language` a language of the banner", request)
        choice = Choice(body.action, granted, body.banner, body.language, body.source)
        receipt = self._door.receipt(request, site, body.receipt)
        chosen = await self._door.apart(self._consent.choose, site, choice, receipt)
        return self._answer(request, site, chosen) if chosen else _unknown_banner(request)

    async def renew(self, request: Request) -> Response:
        admitted = await self._door.admit(request, TokenBody)
        if isinstance(admitted, Response):
            return admitted
        site, body = admitted
        return await self._door.answered(
            request, "The record cannot be looked up; ask again", lambda: self._renew(request, site, body)
        )

    async def _renew(self, request: Request, site: Site, body: TokenBody) -> Response:
        receipt = self._door.receipt(request, site, body.receipt)
        token = await self._door.apart(self._consent.renew, site, receipt) if receipt else None
        if token is None:
            return problem(404, "No consent stands", "Ask the visitor", request)
        return answer_json(200, _token_fields(token), request)

    def _answer(self, request: Request, site: Site, chosen: Chosen) -> Response:
        is_elsewhere = is_cross_site(request)
        response = answer_json(
            201,
            {
                **_token_fields(chosen.token),
                "choice": chosen.cookie_value,
                "choice_expires_at": moment(chosen.expires_at),
                "receipt": chosen.receipt if is_elsewhere else None,
            },
            request,
        )
        if not is_elsewhere:
            self._door.set_choice(response, chosen.cookie_value, chosen.expires_at.date())
            self._door.set_receipt(response, site, chosen.receipt, chosen.expires_at.date())
        return response


def _token_fields(token: Token | None) -> dict[str, str | None]:
    return {
        "token": token.value if token else None,
        "expires_at": moment(token.expires_at) if token else None,
    }


def _unknown_banner(request: Request) -> Response:
    return problem(400, "Unknown banner", "Expected at `$.banner` a version served for this site", request)
