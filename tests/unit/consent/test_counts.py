"""How visitors chose, per day, on both databases."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime

import pytest
from argon2 import PasswordHasher

from firmly.accounts.database import ControlPlane
from firmly.accounts.passwords import Passwords
from firmly.accounts.roles import Role
from firmly.accounts.scope import MemberScope, NotAllowedError
from firmly.accounts.service import Accounts
from firmly.accounts.site import Site
from firmly.consent.banner import banner_of
from firmly.consent.choice import Action, State
from firmly.consent.counts import ConsentCount, ConsentCounts
from firmly.consent.service import Choice, Consent
from firmly.model import Category
from tests.collector import SetClock
from tests.unit.consent.conftest import FILES, NEW

PASSWORD = "a long enough phrase"
DAY = date(2026, 11, 20)


@pytest.fixture
def accounts(plane: ControlPlane, clock: SetClock) -> Accounts:
    return Accounts(plane, clock, (NEW,), Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)))


@pytest.fixture
def member_of(accounts: Accounts) -> Callable[..., MemberScope]:
    def make(site: Site, role: Role = Role.OWNER) -> MemberScope:
        email = f"{role}{site.key}@firm.example"
        accounts.add_member(site.workspace_id, email, "Mia Smith", role, PASSWORD)
        token = accounts.sign_in.with_password(email, PASSWORD)
        assert token is not None
        scope = accounts.sign_in.scope(token)
        assert scope is not None
        return scope

    return make


def choose(consent: Consent, site: Site, *actions: Action) -> None:
    banner = banner_of(site, FILES)
    consent.keep_banner(site, banner)
    for action in actions:
        granted = frozenset({Category.STATISTICS} if action is Action.ACCEPT_ALL else ())
        assert consent.choose(site, Choice(action, granted, banner.version, "en", "banner"), None) is not None


@pytest.fixture
def counts(plane: ControlPlane) -> ConsentCounts:
    return ConsentCounts(plane)


def test_records_are_counted_by_day_action_and_state(
    consent: Consent, counts: ConsentCounts, site: Site, clock: SetClock, member_of: Callable[..., MemberScope]
) -> None:
    scope = member_of(site)
    clock.now = datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)
    choose(consent, site, Action.ACCEPT_ALL, Action.ACCEPT_ALL, Action.REJECT_ALL)
    clock.now = datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
    choose(consent, site, Action.WITHDRAW)

    assert counts.of(scope, DAY, date(2026, 11, 21)) == (
        ConsentCount(DAY, Action.ACCEPT_ALL, State.GIVEN, 2),
        ConsentCount(DAY, Action.REJECT_ALL, State.REFUSED, 1),
        ConsentCount(date(2026, 11, 21), Action.WITHDRAW, State.WITHDRAWN, 1),
    )
    assert [one.day for one in counts.of(scope, DAY, DAY)] == [DAY, DAY]
    assert counts.of(scope, date(2026, 11, 22), date(2026, 11, 30)) == ()


def test_days_are_those_of_utc_wherever_the_server_stands(
    consent: Consent,
    counts: ConsentCounts,
    plane: ControlPlane,
    site: Site,
    clock: SetClock,
    member_of: Callable[..., MemberScope],
) -> None:
    scope = member_of(site)
    clock.now = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    choose(consent, site, Action.ACCEPT_ALL)
    with plane.connection() as connection:
        is_server = connection.dialect.name == "postgresql"
        if is_server:
            name = connection.engine.url.database
            connection.exec_driver_sql(f"alter database \"{name}\" set timezone to 'Asia/Tokyo'")
    plane.close()  # The next connection has the zone.
    try:
        assert [one.day for one in counts.of(scope, DAY, DAY)] == [DAY]
    finally:
        if is_server:
            with plane.connection() as connection:
                connection.exec_driver_sql(f'alter database "{name}" reset timezone')
            plane.close()


def test_a_site_is_counted_alone_and_none_of_another_workspace(
    consent: Consent,
    counts: ConsentCounts,
    accounts: Accounts,
    site: Site,
    new_site: Callable[..., Site],
    clock: SetClock,
    member_of: Callable[..., MemberScope],
) -> None:
    foreign = new_site()
    choose(consent, site, Action.ACCEPT_ALL)
    choose(consent, foreign, Action.REJECT_ALL, Action.REJECT_ALL)
    scope, today = member_of(site), clock.now.date()

    assert [one.action for one in counts.of(scope, today, today)] == [Action.ACCEPT_ALL]
    assert [one.records for one in counts.of(scope, today, today, site.id)] == [1]
    assert counts.of(scope, today, today, foreign.id) == ()


def test_who_may_not_read_consent_is_refused(
    counts: ConsentCounts, site: Site, member_of: Callable[..., MemberScope]
) -> None:
    with pytest.raises(NotAllowedError):
        counts.of(member_of(site, Role.SALES), DAY, DAY)
    assert counts.of(member_of(site, Role.PRIVACY_OFFICER), DAY, DAY) == ()


def test_nothing_of_a_record_comes_out() -> None:
    """No receipt, no minute, no record's id: only what several records share."""
    one = ConsentCount(DAY, Action.ACCEPT_ALL, State.GIVEN, 1)
    assert set(asdict(one)) == {"day", "action", "state", "records"}
