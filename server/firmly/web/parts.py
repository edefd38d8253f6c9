"""What the pages are built of, handed over once by the composition root."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from firmly.accounts.lockout import Lockout
from firmly.accounts.service import Accounts
from firmly.consent.counts import ConsentCounts
from firmly.leads.company_data.service import CompanyData
from firmly.leads.records import LeadRecords
from firmly.leads.service import Leads
from firmly.mail.outbox import Outbox
from firmly.measure.device import Devices
from firmly.model import Clock
from firmly.web.csrf import Csrf
from firmly.web.export_jobs import ExportJobs
from firmly.web.pages import Pages
from firmly.web.post import Post
from firmly.web.sessions import Sessions

if TYPE_CHECKING:
    from firmly.accounts.openid import OpenId  # At run time only where a provider is set: it is slow to load.
    from firmly.web.news import News  # Which is built of these.

PREFIX = "/app"
"""Where the pages are mounted; templates and redirects build on it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """``base_url`` is where sites load their script from, without a slash at the end.

    ``openid`` is None where no sign-in provider is set, and ``provider_name`` ``""``; ``devices``
    reduces a browser's name to families; ``resets`` bounds the mails that a forgotten password may send to one address.
    ``news`` is None where pages are told nothing and ask by themselves.
    """

    accounts: Accounts
    leads: Leads
    records: LeadRecords
    company_data: CompanyData
    sessions: Sessions
    csrf: Csrf
    pages: Pages
    clock: Clock
    base_url: str
    outbox: Outbox
    post: Post
    openid: "OpenId | None"
    provider_name: str
    resets: Lockout
    devices: Devices
    exports: ExportJobs
    consent: ConsentCounts
    news: "News | None"
