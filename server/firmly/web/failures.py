"""Pages for what cannot be shown: what happened, and what to do. They read no store."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from firmly.model import InvalidInputError, Problem
from firmly.web.pages import Pages

_SAID: dict[int, tuple[str, str]] = {
    403: (
        "This is not for you to do",
        (
            "Your role in this workspace does not hold the right, or the form was open too long. An owner can change "
            "roles; a form works again after you reload its page."
        ),
    ),
    404: (
        "There is nothing to show here",
        "The address is wrong, the company is no longer kept, or your workspace may not see it.",
    ),
    405: ("This address cannot be used that way", "Start from the list of leads."),
    413: ("This is too large", "A form may hold 32 kB, a file 5 MB. Shorten what you entered, or divide the file."),
}
_AWAY = (
    "The leads cannot be read right now",
    "The database of visits does not answer. New visits are kept and appear once it does. Try again in a minute.",
)
_NO_ACCOUNTS = (
    "Firmly cannot look up who you are right now",
    "The database of members and sites does not answer. Nothing was changed. Try again in a minute.",
)
_AWAY_RETRY_S = 60
_BROKEN = (
    "Firmly could not show this page",
    "Try again. If it stays, tell the person who runs this installation; its log names the cause.",
)


class Failures:
    """Exception handlers of the pages."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def http(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        title, text = _SAID.get(error.status_code, (HTTPStatus(error.status_code).phrase, ""))
        response = self._show(error.status_code, title, text)
        response.headers.update(error.headers or {})
        return response

    def input(self, _request: Request, error: Exception) -> Response:
        assert isinstance(error, InvalidInputError)
        return self._show(400, str(error).partition(":\n")[0].capitalize(), "", error.problems)

    def away(self, _request: Request, _error: Exception) -> Response:
        response = self._show(503, *_AWAY)
        response.headers["retry-after"] = str(_AWAY_RETRY_S)
        return response

    def no_accounts(self, _request: Request, _error: Exception) -> Response:
        response = self._show(503, *_NO_ACCOUNTS)
        response.headers["retry-after"] = str(_AWAY_RETRY_S)
        return response

    def refused(self, _request: Request, error: Exception) -> Response:
        """Say what cannot be done: such errors are written for members."""
        text = str(error)
        return self._show(409, text[:1].upper() + text[1:], "")

    def not_allowed(self, _request: Request, _error: Exception) -> Response:
        return self._show(403, *_SAID[403])

    def broken(self, _request: Request, _error: Exception) -> Response:
        return self._show(500, *_BROKEN)

    def _show(self, status: int, title: str, text: str, problems: list[Problem] | None = None) -> Response:
        return self._pages.part("failure.html", status, code=status, title=title, text=text, problems=problems or [])
