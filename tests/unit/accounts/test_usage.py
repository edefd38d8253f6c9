"""Uses of features: counted per day and workspace, by nobody, unless it is switched off, and not lost by a failure."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from firmly.accounts.scope import MemberScope
from firmly.accounts.tables import UsageRow
from firmly.accounts.usage import Usage
from firmly.model import WorkspaceId
from tests.unit.accounts.conftest import at_once

if TYPE_CHECKING:
    from tests.unit.accounts.conftest import Office

MIA, BO = "mia@example.com", "bo@example.com"


@pytest.fixture
def mia(office: "Office") -> MemberScope:
    """The owner."""
    return office.member(MIA)


@pytest.fixture
def usage(office: "Office", mia: MemberScope) -> Usage:
    return office.accounts.usage


def use(usage: Usage, scope: MemberScope, **uses: int) -> None:
    for feature, times in uses.items():
        for _ in range(times):
            usage.count(scope.workspace_id, feature)


def test_usage_is_added_up_over_flushes_days_and_processes(office: "Office", usage: Usage, mia: MemberScope) -> None:
    first_day = office.clock.now.date()
    other_process = Usage(office.control_plane, office.clock)
    use(usage, mia, leads=2, audit=1)
    use(other_process, mia, leads=3)
    usage.flush()
    usage.flush()
    other_process.flush()
    office.clock.advance(days=1)
    use(usage, mia, leads=1, team=6)
    usage.flush()
    assert usage.of(mia, first_day) == (("leads", 6), ("team", 6), ("audit", 1))
    assert usage.of(mia, first_day + timedelta(days=1)) == (("team", 6), ("leads", 1))


def test_usage_waits_in_memory_until_it_is_flushed(office: "Office", usage: Usage, mia: MemberScope) -> None:
    use(usage, mia, leads=1)
    assert usage.of(mia, office.clock.now.date()) == ()


def test_usage_holds_features_and_numbers_only(office: "Office", usage: Usage, mia: MemberScope) -> None:
    use(usage, mia, leads=2)
    usage.flush()
    with office.control_plane.reading() as db:
        (row,) = db.execute(select(UsageRow.__table__)).all()
    assert tuple(row) == (mia.workspace_id, office.clock.now.date(), "leads", 2)


def test_usage_is_seen_by_the_own_workspace_only(office: "Office", usage: Usage, mia: MemberScope) -> None:
    bo = office.member(BO, workspace_id=office.other_workspace())
    use(usage, mia, leads=2)
    use(usage, bo, audit=1)
    usage.flush()
    day = office.clock.now.date()
    assert (usage.of(mia, day), usage.of(bo, day)) == ((("leads", 2),), (("audit", 1),))


def test_usage_switched_off_is_not_kept_until_it_is_on_again(office: "Office", usage: Usage, mia: MemberScope) -> None:
    workspaces, day = office.accounts.workspaces, office.clock.now.date()
    bo = office.member(BO, workspace_id=office.other_workspace())
    use(usage, mia, leads=1)
    use(usage, bo, leads=1)
    workspaces.change(mia, replace(workspaces.of(mia), counts_usage=False))
    usage.flush()
    off = usage.of(mia, day)
    workspaces.change(mia, replace(workspaces.of(mia), counts_usage=True))
    use(usage, mia, audit=1)
    usage.flush()
    assert (off, usage.of(mia, day), usage.of(bo, day)) == ((), (("audit", 1),), (("leads", 1),))


def test_usage_of_a_workspace_that_is_gone_does_not_hold_up_the_rest(
    office: "Office", usage: Usage, mia: MemberScope
) -> None:
    usage.count(WorkspaceId(10**6), "leads")
    use(usage, mia, leads=1)
    usage.flush()
    assert usage.of(mia, office.clock.now.date()) == (("leads", 1),)


def test_usage_that_could_not_be_written_is_written_later(office: "Office", usage: Usage, mia: MemberScope) -> None:
    use(usage, mia, leads=2)
    rename = "alter table {} rename to {}"
    with office.control_plane.connection() as connection:
        connection.exec_driver_sql(rename.format('"usage"', "away"))
    with pytest.raises(DBAPIError):
        usage.flush()
    use(usage, mia, leads=1)
    with office.control_plane.connection() as connection:
        connection.exec_driver_sql(rename.format("away", '"usage"'))
    usage.flush()
    usage.flush()
    assert usage.of(mia, office.clock.now.date()) == (("leads", 3),)


def test_usage_counted_from_several_threads_is_whole(office: "Office", usage: Usage, mia: MemberScope) -> None:
    at_once(*[lambda: use(usage, mia, leads=200)] * 4, usage.flush)
    usage.flush()
    assert usage.of(mia, office.clock.now.date()) == (("leads", 800),)


def test_usage_in_memory_is_bounded(office: "Office", usage: Usage, mia: MemberScope) -> None:
    """Known ones go on being counted."""
    use(usage, mia, leads=1)
    for number in range(10_100):
        usage.count(WorkspaceId(10**6 + number), "leads")
    use(usage, mia, leads=1)
    assert len(usage._counts) == 10_000
    usage.flush()
    assert usage.of(mia, office.clock.now.date()) == (("leads", 2),)
