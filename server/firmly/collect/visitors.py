"""`POST /f/c/history`, `/f/c/receipt` and `/f/c/erase`: what a visitor may do with their own records (RULES R27)."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from firmly.accounts.site import Site
from firmly.collect.choices import TokenBody
from firmly.collect.consent_door import (
    Body,
    ConsentDoor,
    Key,
    Language,
    Receipt,
    answer,
    answer_json,
    is_cross_site,
    problem,
    start_of,
)
from firmly.consent.own_records import OwnRecords


class HistoryBody(TokenBody, frozen=True):
    """Which site's records; the receipt may come with the cookie instead."""


class ReceiptBody(msgspec.Struct, frozen=True):
    site: Key
    receipt: Receipt | None = None
    format: Annotated[str, msgspec.Meta(pattern=r"^(json|page)\Z")] = "json"
    language: Language | None = None


B = TypeVar("B", bound=Body)


class Visitors:
    """Answers the three routes. Who shows no receipt, or one that leads to nothing, gets 404."""

    def __init__(self, door: ConsentDoor, records: OwnRecords) -> None:
        self._door = door
        self._records = records

    async def history(self, request: Request) -> Response:
        return await self._with_receipt(request, HistoryBody, self._history)

    async def receipt(self, request: Request) -> Response:
        return await self._with_receipt(request, ReceiptBody, self._receipt)

    async def erase(self, request: Request) -> Response:
        return await self._with_receipt(request, HistoryBody, self._erase, appends=True)

    async def _with_receipt(
        self,
        request: Request,
        shape: type[B],
        work: Callable[[Request, Site, B, str], Awaitable[Response]],
        *,
        appends: bool = False,
    ) -> Response:
        admitted = await self._door.admit(request, shape, appends=appends)
        if isinstance(admitted, Response):
            return admitted
        site, body = admitted
        receipt = self._door.receipt(request, site, body.receipt)
        if receipt is None:
            return _unknown(request)
        refused = "The records cannot be looked up; ask again"
        return await self._door.answered(request, refused, lambda: work(request, site, body, receipt))

    async def _history(self, request: Request, site: Site, _body: HistoryBody, receipt: str) -> Response:
        said = await self._door.apart(self._records.history, site, receipt)
        return answer_json(200, said, request) if said else _unknown(request)

    async def _receipt(self, request: Request, site: Site, body: ReceiptBody, receipt: str) -> Response:
        if body.format == "json":
            said = await self._door.apart(self._records.receipt, site, receipt)
            return answer_json(200, said, request) if said else _unknown(request)
        page = await self._door.apart(self._records.page, site, receipt, body.language)
        if page is None:
            return _unknown(request)
        response = answer(200, page.encode(), "text/html; charset=utf-8", request)
        # Opened by itself it may do nothing but look as it does.
        response.headers["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        response.headers["x-content-type-options"] = "nosniff"
        return response

    async def _erase(self, request: Request, site: Site, _body: HistoryBody, receipt: str) -> Response:
        erased = await self._door.apart(self._records.erase, site, receipt)
        if erased is None:
            return _unknown(request)
        response = answer_json(
            200,
            {
                "erased": erased.records,
                "choice": erased.cookie_value,
                "choice_expires_at": start_of(erased.cookie_expires_on),
                "proof_until": erased.proof_until.isoformat(),
            },
            request,
        )
        if not is_cross_site(request):
            self._door.set_choice(response, erased.cookie_value, erased.cookie_expires_on)
            self._door.remove_receipt(response, site)
        return response


def _unknown(request: Request) -> Response:
    return problem(404, "No record", "Expected the receipt of a choice on this site", request)
