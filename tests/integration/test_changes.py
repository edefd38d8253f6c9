"""What a member changes takes effect within five seconds in every process, also in one that only collects."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from firmly.accounts.database import open_control_plane
from firmly.accounts.scope import MemberScope
from firmly.accounts.service import Accounts
from firmly.app import control_plane_url
from firmly.app.data_dir import secret_keys
from firmly.model import BeforeConsent, system_clock
from firmly.settings import read_settings
from tests.served import EMAIL, FIRMLY, PASSWORD, Served, event_body, serving

WITHIN_S = 5.0
ORIGIN = "https://www.example.com"


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A process that only collects; members change things from this one."""
    served = Served(tmp_path_factory.mktemp("changes") / "data", ORIGIN, BeforeConsent.COMPANY)
    with serving(served, (*FIRMLY, "collect")):
        yield served


@pytest.fixture(scope="module")
def accounts(collector: Served) -> Iterator[Accounts]:
    settings = read_settings(collector.environ)
    control_plane = open_control_plane(control_plane_url(settings))
    yield Accounts(control_plane, system_clock, secret_keys(settings))
    control_plane.close()


def owner(accounts: Accounts) -> MemberScope:
    scope = accounts.sign_in.scope(accounts.sign_in.with_password(EMAIL, PASSWORD) or "")
    assert scope is not None
    return scope


def outcome(collector: Served, source: str) -> tuple[int, str]:
    headers = {"origin": ORIGIN, "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
    headers |= {"x-forwarded-for": source, "content-type": "application/json"}
    answer = httpx.post(f"{collector.url}/f/e", content=event_body(collector, "", "/"), headers=headers)
    return answer.status_code, answer.headers.get("x-firmly-dropped", "")


def seconds_until(wanted: tuple[int, str], ask: Callable[[], tuple[int, str]]) -> float:
    began = time.monotonic()
    while ask() != wanted:
        assert time.monotonic() - began < WITHIN_S, f"it is still {ask()}"
        time.sleep(0.25)
    return time.monotonic() - began


def test_own_networks_modes_and_the_end_of_a_workspace(collector: Served, accounts: Accounts) -> None:
    scope = owner(accounts)
    nokia, other = "131.228.1.1", "131.229.1.1"
    assert outcome(collector, nokia) == (202, "")
    (site,) = accounts.sites.of(scope)
    accounts.sites.change(scope, replace(site, staff_networks=("131.228.1.0/24",)))
    seconds_until((202, "own_staff=1"), lambda: outcome(collector, nokia))
    assert outcome(collector, other) == (202, "")
    accounts.sites.change(scope, replace(site, before_consent=BeforeConsent.WAIT))
    seconds_until((202, "no_consent=1"), lambda: outcome(collector, other))
    accounts.workspaces.cancel(scope)
    seconds_until((404, "unknown_site=1"), lambda: outcome(collector, other))
    accounts.workspaces.reactivate(owner(accounts))
    seconds_until((202, "no_consent=1"), lambda: outcome(collector, other))
