"""What a visitor's record can be, as a machine that hypothesis drives against a model in a few lines."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from firmly.accounts import sites
from firmly.accounts.database import ControlPlane, open_control_plane
from firmly.accounts.passwords import Passwords
from firmly.accounts.service import Accounts
from firmly.consent.banner import banner_of
from firmly.consent.choice import Action, months_later
from firmly.consent.keys import LogKeys
from firmly.consent.log import ConsentLog
from firmly.consent.own_records import OwnRecords
from firmly.consent.receipt import Receipts
from firmly.consent.service import Choice, Consent
from firmly.consent.sweep import ConsentSweep
from firmly.consent.token import ConsentTokens
from firmly.consent.verify import verify
from firmly.model import Category
from tests.collector import ORIGIN, SetClock
from tests.town import KEYS
from tests.unit.consent.conftest import FILES, NEW
from tests.unit.consent.forger import lines_of, undone

STATISTICS = frozenset({Category.STATISTICS})
VISITORS = 2


@dataclass
class Visitor:
    """``grants`` and ``until``: what they said last; ``purposes``: who asked then. No receipt once erased."""

    receipt: str | None = None
    grants: bool = False
    refuses: bool = False
    until: date = date.min
    purposes: str = ""
    said_no_on: date | None = None
    records: int = 0


@contextmanager
def a_plane() -> Iterator[ControlPlane]:
    with TemporaryDirectory() as folder:
        plane = open_control_plane(f"sqlite:///{Path(folder) / 'control.sqlite'}")
        plane.migrate()
        try:
            yield plane
        finally:
            plane.close()


class Records(RuleBasedStateMachine):
    plane: ControlPlane

    @initialize()
    def begin(self) -> None:
        self.clock = SetClock()
        quick = Passwords(PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        accounts = Accounts(self.plane, self.clock, KEYS, quick)
        workspace = accounts.create_workspace("Acme", "UTC")
        site = sites.new_site(workspace, name="Example", origins=(ORIGIN,), controller="Example Ltd")
        self.accounts, self.site = accounts, accounts.sites.create(site)
        self.keys = LogKeys([NEW])
        log, receipts = ConsentLog(self.keys), Receipts([NEW])
        self.consent = Consent(self.plane, ConsentTokens([NEW]), receipts, log, self.clock)
        self.own = OwnRecords(self.plane, receipts, log, self.clock, 12)
        self.sweep = ConsentSweep(self.plane, log, self.clock, 12)
        self.visitors = [Visitor() for _ in range(VISITORS)]
        self.show()

    def show(self) -> None:
        self.banner = banner_of(self.site, FILES)
        self.consent.keep_banner(self.site, self.banner)

    @property
    def today(self) -> date:
        return self.clock.now.date()

    @rule(who=st.integers(0, VISITORS - 1), action=st.sampled_from([Action.ACCEPT_ALL, Action.CUSTOM]))
    def agree(self, who: int, action: Action) -> None:
        visitor = self.visitors[who]
        self._choose(visitor, action, "preferences", STATISTICS)
        visitor.grants, visitor.refuses, visitor.until = True, False, months_later(self.today, 6)

    @rule(who=st.integers(0, VISITORS - 1), action=st.sampled_from([Action.REJECT_ALL, Action.WITHDRAW]))
    def say_no(self, who: int, action: Action) -> None:
        visitor = self.visitors[who]
        self._choose(visitor, action, "banner")
        visitor.grants, visitor.refuses, visitor.until = False, True, months_later(self.today, 6)
        visitor.said_no_on = self.today

    @rule(who=st.integers(0, VISITORS - 1), action=st.sampled_from([Action.GPC, Action.DNT]))
    def signal(self, who: int, action: Action) -> None:
        visitor = self.visitors[who]
        is_remembered = visitor.refuses and self._is_asked_alike(visitor) and self.today < visitor.until
        before = visitor.until
        until = self._choose(visitor, action, "signal", is_record=not is_remembered)
        assert until == (before if is_remembered else months_later(self.today, 6))  # R19: no visit extends it.
        visitor.grants, visitor.refuses, visitor.until = False, True, until

    @rule(who=st.integers(0, VISITORS - 1))
    @precondition(lambda self: any(visitor.receipt for visitor in self.visitors))
    def erase(self, who: int) -> None:
        visitor = self.visitors[who]
        if visitor.receipt is None:
            return
        erased = self.own.erase(self.site, visitor.receipt)
        assert (erased is not None) == (visitor.records > 0)
        if erased is not None:
            assert ".none." in erased.cookie_value
            assert erased.cookie_expires_on == max(visitor.until, months_later(self.today, 6))
            assert self.own.history(self.site, visitor.receipt) is None
            self.visitors[who] = Visitor()

    @rule(days=st.sampled_from([1, 20, 100, 183, 400, 600]))
    def wait(self, days: int) -> None:
        self.clock.advance(days=days, minutes=1)

    @rule(minutes=st.integers(1, 10_000))
    def set_the_clock_back(self, minutes: int) -> None:
        self.clock.advance(minutes=-minutes)

    @rule()
    def look(self) -> None:
        self.sweep.look_at(self.site.id, self.site.key)
        for visitor in self.visitors:
            visitor.records = self._records_of(visitor)

    @rule(name=st.sampled_from(["Example Ltd", "Another Ltd"]))
    def change_who_asks(self, name: str) -> None:
        self.site = replace(self.site, controller=name)
        self.show()

    @invariant()
    def token_is_renewed_while_consent_stands_and_never_else(self) -> None:
        for visitor in getattr(self, "visitors", ()):
            if visitor.receipt is None:
                continue
            stands = visitor.grants and self.today < visitor.until and self._is_asked_alike(visitor)
            token = self.consent.renew(self.site, visitor.receipt)
            # A sweep may have ended it on record, after which only the visitor's own yes brings it back.
            assert token is None or stands
            assert token is not None or not stands or self._was_ended(visitor)

    def teardown(self) -> None:
        if not hasattr(self, "visitors") or not any(visitor.receipt for visitor in self.visitors):
            return
        with undone(self.plane) as db:
            lines = lines_of(db, self.site.id, self.site.key, self.keys)
        assert [str(one) for one in verify(lines).findings] == []

    def _choose(
        self,
        visitor: Visitor,
        action: Action,
        source: str,
        granted: frozenset[Category] = frozenset(),
        *,
        is_record: bool = True,
    ) -> date:
        before = self._records_of(visitor)
        choice = Choice(action, granted, self.banner.version, "en", source)
        chosen = self.consent.choose(self.site, choice, visitor.receipt)
        assert chosen is not None
        assert (chosen.token is not None) == bool(granted)
        visitor.receipt, visitor.purposes = chosen.receipt, self.banner.purposes if is_record else visitor.purposes
        visitor.records = self._records_of(visitor)
        # What was said already today is not recorded again.
        assert visitor.records - before in ((0, 1) if is_record and before else (is_record,))
        return chosen.expires_at.date()

    def _records_of(self, visitor: Visitor) -> int:
        said = self.own.history(self.site, visitor.receipt) if visitor.receipt else None
        return len(said["records"]) if said else 0

    def _was_ended(self, visitor: Visitor) -> bool:
        said = self.own.history(self.site, visitor.receipt or "")
        return said is None or said["records"][0]["state"] in ("expired", "invalidated")

    def _is_asked_alike(self, visitor: Visitor) -> bool:
        return visitor.purposes == self.banner.purposes


def test_records_are_what_visitors_made_them() -> None:
    with a_plane() as plane:
        machine = type("RecordsOfPlane", (Records,), {"plane": plane})
        checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
        run_state_machine_as_test(
            machine,
            settings=settings(max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=checks),
        )
