"""A served Firmly that sends its mail to a server of ours, with as many workspaces as the tests want."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from argon2 import PasswordHasher
from playwright.sync_api import BrowserContext, Page, expect

from firmly.accounts.database import open_control_plane
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Role
from firmly.accounts.scope import MemberScope
from firmly.accounts.service import Accounts
from firmly.app import control_plane_url
from firmly.app.data_dir import secret_keys
from firmly.model import WorkspaceId, system_clock
from firmly.settings import read_settings
from tests.browser.looks import look_at
from tests.served import Served, serving
from tests.smtp import MailServer

PASSWORD = "seven quiet herons wade"
NEW_PASSWORD = "a lighthouse made of paper"


@dataclass(frozen=True, slots=True)
class Household:
    """A workspace and its first owner."""

    id: WorkspaceId
    name: str
    email: str
    password: str = PASSWORD


class Installation:
    """The served process, its mail, and its control plane, opened beside it as commands do."""

    def __init__(self, served: Served, mail: MailServer, accounts: Accounts) -> None:
        self.served = served
        self.mail = mail
        self.accounts = accounts
        self.url = served.url
        self._numbers = itertools.count(1)

    def workspace(self, name: str = "") -> Household:
        number = next(self._numbers)
        household = Household(
            self.accounts.create_workspace(name or f"Herons {number}", "UTC"),
            name or f"Herons {number}",
            f"owner{number}@herons.example",
        )
        self.join(household, household.email, Role.OWNER, f"Olga Owner {number}")
        return household

    def join(self, household: Household, email: str, role: Role, name: str = "Mia Member") -> None:
        self.accounts.add_member(household.id, email, name, role, PASSWORD)

    def scope(self, household: Household) -> MemberScope:
        """Sign the owner in, in a browser of their own, and return what they may."""
        token = self.accounts.sign_in.with_password(household.email, household.password, "Firefox, Windows")
        scope = self.accounts.sign_in.scope(token or "")
        assert scope is not None
        return scope

    def letters_to(self, email: str, count: int = 1) -> list[EmailMessage]:
        """Wait for that many letters to an address and return them, in the order of their arrival."""
        for _ in range(100):
            found = [one.letter for one in self.mail.deliveries if email in one.recipients]
            if len(found) >= count:
                return found
            self.mail.wait_for(len(self.mail.deliveries) + 1)
        raise AssertionError(f"{count} letters to {email} did not come")


@contextmanager
def running_installation(folder: Path, environ: dict[str, str] | None = None) -> Iterator[Installation]:
    """Serve until the block ends; ``environ`` are settings besides those of the mail."""
    with MailServer() as mail:
        mailing = {"FIRMLY_SMTP_URL": mail.url, "FIRMLY_MAIL_FROM": "Firmly <firmly@firmly.example>"}
        served = Served(folder / "data", "https://www.herons.example", environ={**mailing, **(environ or {})})
        settings = read_settings(served.environ)
        control_plane = open_control_plane(control_plane_url(settings))
        with serving(served):
            quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
            yield Installation(served, mail, Accounts(control_plane, system_clock, secret_keys(settings), quick))
        control_plane.close()


class Watch:
    """Looks over a page's shoulder: what it asks for, and what it complains about."""

    def __init__(self, page: Page, home: str) -> None:
        self._home = home
        self.page = page
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._asked(request.url))

    def looks_right(self, name: str) -> None:
        """No violation for axe, nothing wider than the screen, no complaint, nothing from elsewhere."""
        look_at(self.page, name)
        assert self.complaints == [], name
        assert self.strangers == [], name

    def _said(self, kind: str, text: str) -> None:
        # A refused form is answered with its status, which Chromium notes.
        if kind in ("error", "warning") and "status of 4" not in text:
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self._home, "data:")):
            self.strangers.append(url)


def open_page(context: BrowserContext, installation: Installation) -> tuple[Page, Watch]:
    page = context.new_page()
    return page, Watch(page, installation.url)


def enter(page: Page, installation: Installation, email: str, password: str = PASSWORD, to: str = "/app/") -> None:
    """Fill the sign-in form; where it leads is the caller's to say."""
    page.goto(installation.url + to)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in", exact=True).click()


def text_of(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def link_of(letter: EmailMessage, under: str) -> str:
    """Return the letter's link to a page ``under`` /app: the same in its text and in its HTML."""
    html = letter.get_body(("html",))
    assert html is not None
    pattern = re.compile(rf"https?://[^\s\"<>]+/app/{under}/[^\s\"<>]+")
    links = set(pattern.findall(text_of(letter))) | set(pattern.findall(html.get_content()))
    assert len(links) == 1, links
    return str(links.pop())
