"""A workspace with much in it: thirty members with long names, many sites, two hundred entries in its log."""

from dataclasses import replace

from firmly.accounts.audit import Action
from firmly.accounts.roles import Role, TokenScope
from firmly.accounts.sites import new_site
from firmly.mail.letter import Letter, Template
from firmly.model import BeforeConsent, Confidence
from tests.browser.installation import Household, Installation

LONG = "Rindfleischetikettierungsüberwachungsaufgabenübertragungs-Gesellschaft"
FINNISH = "Lentokonesuihkuturbiinimoottoriapumekaanikkoaliupseerioppilas"
NAMES = ("Ann Li", "Wolfeschlegelsteinhausenbergerdorff Hubert Blaine", "Nguyễn Thị Minh Khai", "محمد بن عبد الله")
ACTIONS = (Action.SITE_CHANGED, Action.ROLE_CHANGED, Action.AUDIT_EXPORTED, Action.CORRECTION_ADDED)


def crowd(installation: Installation, origin: str) -> Household:
    """Fill a workspace; its owner also has three others."""
    household = installation.workspace(LONG)
    accounts = installation.accounts
    scope = installation.scope(household)
    for number in range(3):
        other = installation.workspace(f"{FINNISH} {number}" if number else "Oy")
        invited = accounts.team.invite(installation.scope(other), household.email, Role.SALES)
        token = accounts.sign_in.with_password(household.email, household.password)
        signed_in = accounts.sign_in.signed_in(token or "")
        assert signed_in is not None
        accounts.team.accept(signed_in, invited.secret)
    _people(installation, household)
    for number in range(6):
        email = f"aliupseerioppilas.lentokonesuihkuturbiinimoottori{number}@apumekaanikko.example"
        accounts.team.invite(scope, email, Role.PRIVACY_OFFICER)
        name = f"{FINNISH} {number}" if number % 2 else f"CRM {number}"
        accounts.tokens.make(scope, name, list(TokenScope)[: 1 + number % 4], 30)
    accounts.tokens.revoke(scope, accounts.tokens.of(scope)[0].id)
    _sites(installation, household, origin)
    for number in range(200):
        detail = {"role": ["sales", "privacy_officer"], "note": f"{LONG} {number}"} if number % 3 else {}
        accounts.audit.note(scope, ACTIONS[number % 4], f"member {number}" if number % 2 else "", detail)
    for number in range(60):
        template = Template.TEST
        letter = Letter(template, f"{FINNISH.lower()}{number}@herons.example", {"link": installation.url}, household.id)
        result = "sent" if number % 5 else "failed: 550 5.1.1 The account that you tried to reach does not exist"
        accounts.letters.ended(accounts.letters.queued(letter), result)
    return household


def _people(installation: Installation, household: Household) -> None:
    for number in range(30):
        name, role = NAMES[number % len(NAMES)], list(Role)[number % len(Role)]
        installation.join(household, f"{FINNISH.lower()[: 8 + number * 2]}{number}@herons.example", role, name)


def _sites(installation: Installation, household: Household, origin: str) -> None:
    sites, scope = installation.accounts.sites, installation.scope(household)
    for number in range(4):
        name = f"{LONG} {number}" if number % 2 else f"Shop {number}"
        sites.add(scope, new_site(household.id, name=name, origins=(origin,), controller=LONG))
    first = sites.of(scope)[0]
    goals = {"signup": frozenset({"plan", "seats"}), FINNISH.lower()[:40]: frozenset({"amount"})}
    for change in (
        replace(first, before_consent=BeforeConsent.COMPANY),
        replace(first, goals=goals, query_keys=frozenset({"ref", "campaign", "variant", "product"})),
        replace(first, retention_days=90, min_confidence=Confidence.VERY_HIGH, titles=True),
        replace(first, staff_networks=("192.0.2.0/24", "198.51.100.0/24", "2001:db8:1234::/48"), controller=FINNISH),
    ):
        sites.change(scope, change)
