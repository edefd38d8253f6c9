"""Appending: one chain whoever appends, minutes that never go back, nothing of who or where."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, select

from firmly.accounts.database import ControlPlane, open_control_plane
from firmly.accounts.site import Site
from firmly.consent.choice import Action, State
from firmly.consent.keys import fingerprint
from firmly.consent.log_text import runs_of
from firmly.consent.records import Record
from firmly.consent.tables import CheckpointRow, ConsentEntryRow, ConsentLogRow, ConsentRecordRow
from firmly.consent.verify import verify
from tests.collector import START, SetClock
from tests.postgresql import Postgres
from tests.served import ROOT
from tests.unit.consent.forger import lines_of, undone
from tests.unit.consent.test_verify import KEYS, Scene

PROCESSES, EACH = 4, 12


@pytest.fixture
def scene(plane: ControlPlane, site: Site, clock: SetClock) -> Scene:
    return Scene(plane, site, clock)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'shared.sqlite'}"
    postgres: Postgres = request.getfixturevalue("postgres")
    return postgres.new_database()


def entries(scene: Scene) -> list[ConsentEntryRow]:
    found = select(ConsentEntryRow).where(ConsentEntryRow.site_id == scene.site.id).order_by(ConsentEntryRow.sequence)
    with scene.plane.reading() as db:
        return list(db.scalars(found))


def test_several_processes_append_to_one_chain(
    url: str, new_site_of: Callable[[ControlPlane], Site], clock: SetClock
) -> None:
    plane = open_control_plane(url)
    plane.migrate()
    scene = Scene(plane, new_site_of(plane), clock)
    arguments = [url, scene.site.key, scene.banner.version, str(EACH)]
    command = [sys.executable, "-m", "tests.unit.consent.appender", *arguments]
    running = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for _ in range(PROCESSES)]
    assert [(process.communicate()[1], process.returncode) for process in running] == [(b"", 0)] * PROCESSES
    verdict = verify(scene.lines(), [fingerprint(KEYS.public[0])])
    assert (verdict.findings, verdict.entries) == ((), PROCESSES * EACH)
    plane.close()


def test_threads_append_to_one_chain_while_others_read_it(scene: Scene) -> None:
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: scene.choose(Action.ACCEPT_ALL), range(24)))
        proofs = list(pool.map(lambda receipt: scene.own.receipt(scene.site, receipt), receipts))
    verdict = verify(scene.lines(), outside=[proof for proof in proofs if proof])
    assert (verdict.findings, verdict.entries, verdict.points) == ((), 24, 24)


def test_clock_that_went_back_moves_no_minute_back(scene: Scene) -> None:
    moments = [START, START - timedelta(days=3), START + timedelta(minutes=2), START + timedelta(minutes=1)]
    for moment in moments:
        scene.clock.now = moment
        scene.choose(Action.REJECT_ALL)
    first = START.replace(second=0)
    later = first + timedelta(minutes=2)
    assert [entry.minute for entry in entries(scene)] == [first, first, later, later]
    assert verify(scene.lines()).findings == ()


def test_head_is_kept_only_as_the_newest(scene: Scene) -> None:
    for _ in range(3):
        scene.choose(Action.ACCEPT_ALL)
    with scene.plane.reading() as db:
        (row,) = db.scalars(select(ConsentLogRow).where(ConsentLogRow.site_id == scene.site.id))
        assert row.size == 3
        assert not db.scalars(select(CheckpointRow).where(CheckpointRow.site_id == scene.site.id)).all()


def test_choice_that_fails_leaves_no_entry(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)
    before = scene.lines()
    with undone(scene.plane) as db:
        with scene.log.appending(db, scene.site.id, scene.site.key, scene.clock()) as log:
            log.adoption("0" * 16)
        assert len(lines_of(db, scene.site.id, scene.site.key, KEYS)) > len(before)
    assert scene.lines() == before


def test_nonces_are_128_random_bits_each_used_once(scene: Scene) -> None:
    for _ in range(5):
        scene.choose(Action.ACCEPT_ALL)
    nonces = [nonce for entry in entries(scene) for nonce in (entry.nonce, entry.link_nonce)]
    assert (len(set(nonces)), {len(nonce or "") for nonce in nonces}) == (10, {32})


def test_commitments_of_two_who_chose_alike_say_nothing_of_it(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)
    scene.choose(Action.ACCEPT_ALL)
    one, other = entries(scene)
    assert len({one.commitment, other.commitment, one.link_commitment, other.link_commitment}) == 4


@pytest.mark.parametrize(
    ("action", "state", "categories"),
    [
        (Action.GPC, State.GIVEN, ("statistics",)),
        (Action.EXPIRE, State.RENEWED, ("statistics",)),
        (Action.WITHDRAW, State.WITHDRAWN, ("statistics",)),
        (Action.ACCEPT_ALL, State.GIVEN, ()),
        (Action.REJECT_ALL, State.GIVEN, ("statistics",)),
    ],
)
def test_record_that_contradicts_itself_cannot_be_made(
    action: Action, state: State, categories: tuple[str, ...]
) -> None:
    """The last guard: whatever calls it, nothing but a visitor's own yes grants."""
    with pytest.raises(ValueError, match="a record cannot say"):
        Record(
            action=action,
            state=state,
            source="banner",
            categories=categories,
            banner="ab" * 32,
            script="",
            language="en",
            receipt_hash="",
            expires_on=START.date(),
        )


def test_tables_have_no_column_for_who_or_where(plane: ControlPlane) -> None:
    """RULES R23: an address, browser, page or referrer would need a column; these are all there are."""
    with plane.connection() as connection:
        columns = {
            column["name"]
            for table in inspect(connection).get_table_names()
            if table.startswith(("consent", "banner"))
            for column in inspect(connection).get_columns(table)
        }
    assert columns == {
        "site_id", "version", "purposes", "bundle", "first_served_at", "script", "id", "record", "receipt_hash",
        "minute", "action", "state", "source", "categories", "banner", "language", "expires_on", "sequence", "kind",
        "commitment", "link_commitment", "previous", "hash", "proof", "nonce", "link", "link_nonce", "level",
        "position", "size", "last", "peaks", "key", "signature", "day", "root", "public",
    }  # fmt: skip


def test_runs() -> None:
    assert runs_of([5, 1, 2, 3, 9, 8, 2]) == [[1, 3], [5, 5], [8, 9]]
    assert runs_of([]) == []


def test_erased_payload_is_overwritten_in_the_file(tmp_path: Path, new_site_of: Callable[[ControlPlane], Site]) -> None:
    """On SQLite: a nonce that stays in a freed page would let the commitment be opened."""
    file = tmp_path / "erased.sqlite"
    plane = open_control_plane(f"sqlite:///{file}")
    plane.migrate()
    scene = Scene(plane, new_site_of(plane), SetClock())
    receipt = scene.choose(Action.ACCEPT_ALL)
    (entry,) = entries(scene)
    assert entry.link_nonce is not None
    scene.own.erase(scene.site, receipt)
    plane.close()  # With the last connection the write-ahead log goes into the file.
    assert entry.link_nonce.encode() not in file.read_bytes()
    assert (entry.nonce or "").encode() in file.read_bytes()


def test_rows_are_those_that_were_committed_to(scene: Scene) -> None:
    receipt = scene.choose(Action.ACCEPT_ALL, language="en")
    with scene.plane.reading() as db:
        (row,) = db.scalars(select(ConsentRecordRow).where(ConsentRecordRow.site_id == scene.site.id))
    (entry,) = entries(scene)
    assert row.record in (entry.proof or "")
    assert row.receipt_hash in (entry.link or "")
    assert row.receipt_hash not in (entry.proof or "")
    assert receipt not in repr(scene.lines())
    assert isinstance(row.minute, datetime)
