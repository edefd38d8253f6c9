"""Reads forms that pages send: plain ones only, and ours only."""

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from firmly.web.csrf import FIELD
from firmly.web.parts import Parts

MAX_FIELDS = 20


def require_plain_form(request: Request) -> None:
    """Take what our pages send; multipart brings character sets of the sender's choice. Raises HTTPException."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise HTTPException(415)


def is_ours(parts: Parts, request: Request, form: FormData) -> bool:
    return parts.csrf.is_valid(request, parts.sessions.token(request), form.get(FIELD))


def text_of(form: FormData, name: str) -> str:
    value = form.get(name)
    return value if isinstance(value, str) else ""


async def read_form(parts: Parts, request: Request) -> dict[str, str]:
    """Return the fields of a member's form, each trimmed. Raises HTTPException where it is not ours."""
    require_plain_form(request)
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
        if not is_ours(parts, request, form):
            raise HTTPException(403)
        return {name: text_of(form, name).strip() for name in form}
