"""What time does: consent ends on record, proofs go at their deadline, days get their checkpoint."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import select, update

from firmly.accounts.database import ControlPlane, open_control_plane
from firmly.accounts.site import Site
from firmly.accounts.tables import SiteRow
from firmly.consent.banner import banner_of
from firmly.consent.checkpoints import Checkpoints
from firmly.consent.choice import Action
from firmly.consent.keys import fingerprint
from firmly.consent.log import ConsentLogError
from firmly.consent.sweep import ConsentSweep
from firmly.consent.tables import ConsentEntryRow, ConsentLogRow, ConsentRecordRow
from firmly.consent.verify import verify
from tests.collector import SetClock
from tests.unit.consent.conftest import FILES
from tests.unit.consent.test_verify import KEYS, Scene

EXPIRY = date(2027, 5, 20)


@pytest.fixture
def scene(plane: ControlPlane, site: Site, clock: SetClock) -> Scene:
    return Scene(plane, site, clock)


def records(scene: Scene) -> list[tuple[str, str, str]]:
    found = select(ConsentRecordRow).where(ConsentRecordRow.site_id == scene.site.id).order_by(ConsentRecordRow.id)
    with scene.plane.reading() as db:
        return [(row.action, row.state, row.source) for row in db.scalars(found)]


def look(scene: Scene, on: date | None = None) -> None:
    if on:
        scene.clock.now = datetime(on.year, on.month, on.day, 3, tzinfo=UTC)
    scene.sweep.look_at(scene.site.id, scene.site.key)


def test_consent_expires_on_record_once_and_on_its_day(scene: Scene) -> None:
    receipt = scene.choose(Action.ACCEPT_ALL)
    scene.choose(Action.REJECT_ALL)
    look(scene, EXPIRY.replace(day=19))
    assert len(records(scene)) == 2
    for _ in range(3):
        look(scene, EXPIRY)
    assert records(scene)[2:] == [("expire", "expired", "sweep")]
    said = scene.own.history(scene.site, receipt)
    assert said is not None
    assert [one["state"] for one in said["records"]] == ["expired", "given"]
    assert scene.consent.renew(scene.site, receipt) is None


def test_consent_that_was_renewed_or_withdrawn_does_not_expire_with_its_first_record(scene: Scene) -> None:
    renewed, withdrawn = scene.choose(Action.ACCEPT_ALL), scene.choose(Action.ACCEPT_ALL)
    scene.clock.advance(days=30)
    scene.choose(Action.ACCEPT_ALL, renewed)
    scene.choose(Action.WITHDRAW, withdrawn)
    look(scene, EXPIRY)
    assert [state for _, state, _ in records(scene)] == ["given", "given", "renewed", "withdrawn"]
    assert scene.consent.renew(scene.site, renewed) is not None


def test_many_that_expire_are_all_ended(scene: Scene) -> None:
    for _ in range(7):
        scene.choose(Action.ACCEPT_ALL)
    scene.sweep = ConsentSweep(scene.plane, scene.log, scene.clock, 12, at_once=3)
    look(scene, EXPIRY)
    assert [state for _, state, _ in records(scene)].count("expired") == 7


def test_sweeps_of_several_processes_at_once_end_each_consent_once(scene: Scene) -> None:
    for _ in range(5):
        scene.choose(Action.ACCEPT_ALL)
    scene.clock.now = datetime(2027, 6, 1, 3, tzinfo=UTC)
    sweeps = [ConsentSweep(scene.plane, scene.log, scene.clock, 12) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda sweep: sweep.look_at(scene.site.id, scene.site.key), sweeps))
    assert [state for _, state, _ in records(scene)].count("expired") == 5
    assert verify(scene.lines()).findings == ()


def test_consent_to_what_is_asked_no_longer_ends_after_a_day(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)
    changed = replace(scene.site, controller="Another Ltd")
    with scene.plane.session() as db:
        db.execute(update(SiteRow).where(SiteRow.id == scene.site.id).values(controller="Another Ltd"))
    scene.consent.keep_banner(changed, banner_of(changed, FILES))
    scene.clock.advance(hours=23)
    look(scene)
    assert len(records(scene)) == 1  # A slip that is mended within the day ends nobody's consent.
    scene.clock.advance(hours=2)
    look(scene)
    assert records(scene)[1:] == [("expire", "invalidated", "sweep")]


def test_where_nothing_is_due_a_look_waits_for_no_writer(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)
    look(scene)
    with scene.plane.session() as db:
        db.execute(select(SiteRow.id))  # Only now it holds the lock.
        look(scene)


def entries(scene: Scene) -> list[ConsentEntryRow]:
    found = select(ConsentEntryRow).where(ConsentEntryRow.site_id == scene.site.id).order_by(ConsentEntryRow.sequence)
    with scene.plane.reading() as db:
        return list(db.scalars(found))


def test_proof_goes_with_nonce_link_and_record_at_its_deadline_and_not_before(scene: Scene) -> None:
    scene.choose(Action.REJECT_ALL)
    last_day = EXPIRY.replace(year=2028)
    look(scene, last_day.replace(day=19))
    (entry,) = entries(scene)
    assert (entry.proof is not None, len(records(scene))) == (True, 1)
    hashed = (entry.hash, entry.commitment, entry.link_commitment)
    look(scene, last_day)
    entry, erasure = entries(scene)
    assert (entry.proof, entry.nonce, entry.link, entry.link_nonce, entry.expires_on) == (None,) * 5
    assert (entry.hash, entry.commitment, entry.link_commitment) == hashed
    assert (erasure.kind, '"reason":"retention"' in (erasure.proof or "")) == ("erasure", True)
    assert records(scene) == []
    assert verify(scene.lines(), [fingerprint(KEYS.public[0])]).findings == ()
    look(scene, date(2040, 1, 1))
    assert len(entries(scene)) == 2


def test_what_a_visitors_erasure_says_of_belonging_together_goes_too(scene: Scene) -> None:
    receipt = scene.choose(Action.ACCEPT_ALL)
    scene.choose(Action.REJECT_ALL, receipt)
    scene.own.erase(scene.site, receipt)
    look(scene, date(2030, 1, 1))
    assert [entry.proof is None for entry in entries(scene)] == [True, True, True, False]
    assert verify(scene.lines()).findings == ()


def test_records_from_before_the_log_are_sealed_by_the_sweep_in_their_order(scene: Scene) -> None:
    before = [earlier(scene, number) for number in range(3)]
    look(scene)
    sealed = entries(scene)
    assert [entry.kind for entry in sealed] == ["sealed"] * 3
    assert [record in (entry.proof or "") for entry, record in zip(sealed, before, strict=True)] == [True] * 3
    verdict = verify(scene.lines())
    assert (verdict.findings, verdict.kinds) == ((), {"sealed": 3})


def test_records_that_a_clock_ahead_dated_are_sealed_without_a_finding(scene: Scene) -> None:
    earlier(scene, 1)
    scene.clock.now = datetime(2026, 4, 1, tzinfo=UTC)
    look(scene)
    assert [entry.minute for entry in entries(scene)] == [datetime(2026, 5, 1, 12, 30, tzinfo=UTC)]
    assert verify(scene.lines()).findings == ()


def test_first_choice_seals_what_was_before_it(scene: Scene) -> None:
    earlier(scene, 1)
    scene.choose(Action.ACCEPT_ALL)
    assert [entry.kind for entry in entries(scene)] == ["sealed", "record"]
    assert verify(scene.lines()).findings == ()


def earlier(scene: Scene, number: int) -> str:
    """Write a record as the release before the log did, and return its id."""
    values: dict[str, Any] = {
        "record": token_hex(16),
        "site_id": scene.site.id,
        "receipt_hash": f"{number:064x}",
        "minute": datetime(2026, 5, 1, 12, 30, tzinfo=UTC),
        "action": "accept_all",
        "state": "given",
        "source": "banner",
        "categories": ["statistics"],
        "banner": scene.banner.version,
        "language": "en",
        "expires_on": date(2027, 11, 1),
    }
    with scene.plane.session() as db:
        db.add(ConsentRecordRow(**values))
    return str(values["record"])


def test_nothing_is_added_to_a_log_that_does_not_fit_its_head(
    tmp_path: Path, new_site_of: Callable[[ControlPlane], Site], clock: SetClock
) -> None:
    """Else whoever rewrote it would have it signed with the next choice."""
    plane = open_control_plane(f"sqlite:///{tmp_path / 'damaged.sqlite'}")
    plane.migrate()
    scene, other = (Scene(plane, new_site_of(plane), clock) for _ in range(2))
    for one in (scene, other):
        one.choose(Action.ACCEPT_ALL)
    with scene.plane.session() as db:
        db.execute(update(ConsentLogRow).where(ConsentLogRow.site_id == scene.site.id).values(last="0" * 64))
    with pytest.raises(ConsentLogError, match=f"consent log of {scene.site.key} does not fit"):
        scene.choose(Action.ACCEPT_ALL)
    assert len(entries(scene)) == 1
    scene.sweep.look()
    assert scene.sweep.damaged == (scene.site.key,)
    assert len(Checkpoints(scene.plane).lines_of(other.site.workspace_id)) == 1  # It had its turn nevertheless.
    plane.close()


def test_log_whose_head_was_taken_away_does_not_begin_anew(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)
    with scene.plane.session() as db:
        db.delete(db.get_one(ConsentLogRow, scene.site.id))
    with pytest.raises(ConsentLogError, match="has entries and no head"):
        scene.choose(Action.ACCEPT_ALL)


def test_log_of_a_lost_key_goes_on_once_the_operator_says_so(scene: Scene, plane: ControlPlane) -> None:
    from firmly.consent.exports import ConsentExports
    from firmly.consent.keys import LogKeys
    from firmly.consent.log import ConsentLog

    scene.choose(Action.ACCEPT_ALL)
    exports = ConsentExports(plane, ConsentLog(LogKeys(["z" * 40])), scene.clock)
    with pytest.raises(ConsentLogError):
        exports.checkpoint(scene.site)
    exports.adopt(scene.site)
    assert exports.checkpoint(scene.site) is not None
    with exports.lines(scene.site) as lines:
        verdict = verify(lines)
    assert (verdict.findings, verdict.kinds) == ((), {"record": 1, "adopted": 1})
    with pytest.raises(ConsentLogError, match="cannot be adopted"):
        exports.adopt(scene.site)
