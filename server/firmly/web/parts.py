"""What the pages are built of, handed over once by the composition root."""

from dataclasses import dataclass

from firmly.accounts.service import Accounts
from firmly.leads.service import Leads
from firmly.model import Clock
from firmly.web.csrf import Csrf
from firmly.web.pages import Pages
from firmly.web.sessions import Sessions

PREFIX = "/app"
"""Where the pages are mounted; templates and redirects build on it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """``base_url`` is where sites load their script from, without a slash at the end."""

    accounts: Accounts
    leads: Leads
    sessions: Sessions
    csrf: Csrf
    pages: Pages
    clock: Clock
    base_url: str
