"""Reads forms that pages send: plain ones only, and ours only."""

from collections.abc import Iterator, Mapping

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from firmly.web.csrf import FIELD
from firmly.web.parts import Parts

MAX_FIELDS = 1100
"""A thousand leads may be changed at once; the size of a body bounds forms, too."""

_FIELDS_BESIDE_A_FILE = 10
_PLAIN = "application/x-www-form-urlencoded"


class Form(Mapping[str, str]):
    """A form's text fields, trimmed; a field that is not there reads as ``""``.

    Handlers pick what they know by name; a field that nobody asks for changes nothing.
    """

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields
        self._last = dict(fields)

    def __getitem__(self, name: str) -> str:
        return self._last.get(name, "").strip()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]  # There are only texts here.
        return self[name] if name in self._last else default

    def __contains__(self, name: object) -> bool:
        return name in self._last

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field that may come several times."""
        return tuple(value.strip() for key, value in self._fields if key == name)

    def as_typed(self, name: str) -> str:
        """Return a field with its blanks: a password."""
        return self._last.get(name, "")


def whole_number(text: str, digits: int = 9) -> int | None:
    """Return a number of at most ``digits`` digits, which every database holds; None for all else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None


def number_of(given: Form, name: str) -> int:
    """Return the number of an object that a form names. Raises HTTPException: it is none."""
    number = whole_number(given[name])
    if number is None:
        raise HTTPException(404)
    return number


def require_plain_form(request: Request) -> None:
    """Take what our pages send; multipart brings character sets of the sender's choice. Raises HTTPException."""
    if not request.headers.get("content-type", "").startswith(_PLAIN):
        raise HTTPException(415)


async def read_form(parts: Parts, request: Request) -> Form:
    """Return the fields of a form. Raises HTTPException where none of our pages made it for this browser."""
    form, ours = await read_any_form(parts, request)
    if not ours:
        raise HTTPException(403)
    return form


async def read_any_form(parts: Parts, request: Request) -> tuple[Form, bool]:
    """Return the fields of a form, and whether one of our pages made it for this browser."""
    require_plain_form(request)
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as data:
        fields = [(name, value) for name, value in data.multi_items() if isinstance(value, str)]
        return Form(fields), _is_ours(parts, request, data)


async def read_upload(parts: Parts, request: Request) -> tuple[str, bytes]:
    """Return the name and the bytes of the file that a form brings: empty without one.

    Raises HTTPException where none of our pages made it for this browser.
    """
    kind = request.headers.get("content-type", "").lower()
    if not kind.startswith(("multipart/form-data;", _PLAIN)) or "charset" in kind:
        raise HTTPException(415)
    async with request.form(max_files=1, max_fields=_FIELDS_BESIDE_A_FILE) as data:
        if not _is_ours(parts, request, data):
            raise HTTPException(403)
        file = next((value for value in data.values() if isinstance(value, UploadFile)), None)
        return (file.filename or "", await file.read()) if file else ("", b"")


def _is_ours(parts: Parts, request: Request, form: FormData) -> bool:
    return parts.csrf.is_valid(request, parts.sessions.token(request), form.get(FIELD))
