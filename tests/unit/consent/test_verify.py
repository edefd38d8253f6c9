"""A log that was touched is found out; one that was not never is."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any

import orjson
import pytest

from firmly.accounts.database import ControlPlane
from firmly.accounts.site import Site
from firmly.consent.banner import banner_of
from firmly.consent.bundle import fields_of
from firmly.consent.checkpoints import keep_checkpoint, newest_checkpoint
from firmly.consent.choice import Action
from firmly.consent.keys import LogKeys, fingerprint
from firmly.consent.log import ConsentLog
from firmly.consent.log_text import Kind, Reason, erasure_text, minute_text
from firmly.consent.own_records import OwnRecords
from firmly.consent.receipt import Receipts
from firmly.consent.service import Choice, Consent
from firmly.consent.sweep import ConsentSweep
from firmly.consent.tables import BannerVersionRow, CheckpointRow, ConsentRecordRow
from firmly.consent.token import ConsentTokens
from firmly.consent.verify import verify
from firmly.model import Category
from tests.collector import START, SetClock
from tests.unit.consent.conftest import FILES, NEW, OLD
from tests.unit.consent.forger import ENTRIES, LOGS, Forger, Row, lines_of, undone, verdict_after

KEYS, FOREIGN = LogKeys([NEW]), LogKeys([OLD])
TRUSTED = [fingerprint(KEYS.public[0])]
RECORDS: Any = ConsentRecordRow.__table__
CHECKPOINTS: Any = CheckpointRow.__table__
BANNERS: Any = BannerVersionRow.__table__
TAMPERINGS = 1_000
STATISTICS = frozenset({Category.STATISTICS})


class Scene:
    """A site with a log that has everything in it: two years of choices, ends, erasures and checkpoints."""

    def __init__(self, plane: ControlPlane, site: Site, clock: SetClock) -> None:
        self.plane, self.site, self.clock = plane, site, clock
        self.log = ConsentLog(KEYS)
        receipts = Receipts([NEW])
        self.consent = Consent(plane, ConsentTokens([NEW]), receipts, self.log, clock)
        self.own = OwnRecords(plane, receipts, self.log, clock, 12)
        self.sweep = ConsentSweep(plane, self.log, clock, 12)
        self.banner = banner_of(site, FILES)
        self.consent.keep_banner(site, self.banner)

    def choose(self, action: Action, receipt: str | None = None, language: str = "en") -> str:
        granted = STATISTICS if action.may_grant else frozenset()
        source = "signal" if action.is_signal else "banner"
        chosen = self.consent.choose(self.site, Choice(action, granted, self.banner.version, language, source), receipt)
        assert chosen is not None
        return chosen.receipt

    def live(self) -> None:
        for quarter in range(8):
            for action in (Action.ACCEPT_ALL, Action.REJECT_ALL, Action.GPC):
                self.clock.advance(hours=7)
                receipt = self.choose(action)
                if quarter % 3 == 1 and action is Action.ACCEPT_ALL:
                    self.choose(Action.WITHDRAW, receipt)
                if quarter % 3 == 2 and action is not Action.GPC:
                    self.own.erase(self.site, receipt)
            self.sweep.look_at(self.site.id, self.site.key)
            self.clock.advance(days=90)

    def lines(self) -> list[bytes]:
        with undone(self.plane) as db:
            return lines_of(db, self.site.id, self.site.key, KEYS)

    def after(self, forge: Callable[[Forger], object], **how: Any) -> Any:
        trusted = how.pop("trusted", TRUSTED)
        return verdict_after(self.plane, self.site.id, self.site.key, KEYS, forge, trusted=trusted, **how)

    def checkpoint(self) -> Row:
        with self.plane.session() as db:
            kept = keep_checkpoint(db, self.log, self.site.id, self.site.key, self.clock())
            assert kept is not None
            return fields_of(kept)


@pytest.fixture
def scene(plane: ControlPlane, site: Site, clock: SetClock) -> Scene:
    return Scene(plane, site, clock)


@pytest.fixture
def lived(scene: Scene) -> Scene:
    scene.live()
    return scene


on_sqlite_alone = pytest.mark.parametrize("plane", ["on_sqlite"], indirect=True)
"""Where lines are verified that both databases make alike."""


# Tamperings without the key.


def edit_entry(random: Random, forger: Forger) -> None:
    row = random.choice(forger.entries())
    name = random.choice([name for name in row if name not in ("site_id", "sequence") and row[name] is not None])
    forger.set(ENTRIES, row, **{name: altered(random, row[name])})


def edit_record(random: Random, forger: Forger) -> None:
    row = random.choice(forger.rows(RECORDS))
    name = random.choice([name for name in row if name not in ("site_id", "id", "sequence")])
    forger.set(RECORDS, row, **{name: altered(random, row[name])})


def altered(random: Random, value: Any) -> Any:
    match value:
        case str() if value:
            place = random.randrange(len(value))
            return value[:place] + ("1" if value[place] == "0" else "0") + value[place + 1 :]
        case str():
            return "en"
        case list():
            return [] if value else ["marketing"]
        case int():
            return value + 1
    return value - timedelta(days=random.randrange(1, 400))


def delete_entry(random: Random, forger: Forger) -> None:
    row = random.choice(forger.entries())
    forger.delete(ENTRIES, row)
    if random.random() < 0.5:
        delete_record_of(forger, row["sequence"])


def delete_record(random: Random, forger: Forger) -> None:
    forger.delete(RECORDS, random.choice(forger.rows(RECORDS)))


def delete_record_of(forger: Forger, sequence: int) -> None:
    for row in forger.rows(RECORDS):
        if row["sequence"] == sequence:
            forger.delete(RECORDS, row)


def swap(random: Random, forger: Forger) -> None:
    """Let two entries change places, with all hashes anew or with none."""
    entries = forger.entries()
    one, other = random.sample(range(len(entries)), 2)
    entries[one], entries[other] = entries[other], entries[one]
    if random.random() < 0.5:
        forger.write(entries)
        return
    first, second = entries[one], entries[other]
    own = ("site_id", "sequence")
    forger.set(ENTRIES, first, **{name: second[name] for name in second if name not in own})
    forger.set(ENTRIES, second, **{name: first[name] for name in first if name not in own})


def swap_records(random: Random, forger: Forger) -> None:
    """Let queries find another record as the newest."""
    one, other = random.sample(forger.rows(RECORDS), 2)
    forger.set(RECORDS, one, sequence=None)
    forger.set(RECORDS, other, sequence=one["sequence"])
    forger.set(RECORDS, one, sequence=other["sequence"])


def back_date(random: Random, forger: Forger) -> None:
    """Date an entry back in every place, hashes included."""
    entries = forger.entries()
    place = random.choice([place for place, row in enumerate(entries) if row["kind"] == "record" and row["proof"]])
    minute = entries[place]["minute"] - timedelta(minutes=random.randrange(1, 5))
    proof = orjson.loads(entries[place]["proof"]) | {"minute": minute_text(minute)}
    entries[place] |= {"minute": minute, "proof": orjson.dumps(proof).decode()}
    for row in forger.rows(RECORDS):
        if row["sequence"] == place:
            forger.set(RECORDS, row, minute=minute)
    forger.write(entries)


def rewrite(random: Random, forger: Forger) -> None:
    """Say that somebody agreed who refused, or the other way round, with all hashes anew."""
    entries = forger.entries()
    place = random.choice([place for place, row in enumerate(entries) if row["kind"] == "record" and row["proof"]])
    proof = orjson.loads(entries[place]["proof"])
    said = {"action": "reject_all", "state": "refused", "categories": []}
    if proof["action"] == "reject_all":
        said = {"action": "accept_all", "state": "given", "categories": ["statistics"]}
    entries[place]["proof"] = orjson.dumps(proof | said, option=orjson.OPT_SORT_KEYS).decode()
    for row in forger.rows(RECORDS):
        if row["sequence"] == place:
            forger.set(RECORDS, row, **said)
    forger.write(entries)


def truncate(random: Random, forger: Forger) -> None:
    entries = forger.entries()
    size = random.randrange(len(entries))
    for row in entries[size:]:
        delete_record_of(forger, row["sequence"])
    forger.write(entries[:size])


def append(random: Random, forger: Forger) -> None:
    """Add a copy of an entry at the end."""
    entries = forger.entries()
    forger.write([*entries, random.choice(entries)])


def insert_record(random: Random, forger: Forger) -> None:
    """Make a record without an entry, as a release before the log would."""
    row = random.choice(forger.rows(RECORDS)) | {"record": random.randbytes(16).hex(), "sequence": None}
    del row["id"]
    forger.db.execute(RECORDS.insert().values(**row))


def forge_head(random: Random, forger: Forger) -> None:
    (row,) = forger.rows(LOGS)
    name = random.choice(["size", "minute", "last", "peaks", "key", "signature"])
    value = row["peaks"][:-1] if name == "peaks" else altered(random, row[name])
    forger.set(LOGS, row, **{name: value})


def sign_elsewhere(random: Random, forger: Forger) -> None:
    """Rewrite history and sign it with a key of one's own."""
    entries = forger.entries()
    del entries[random.randrange(len(entries))]
    forger.write(entries, FOREIGN)


def drop_head(random: Random, forger: Forger) -> None:
    (row,) = forger.rows(LOGS)
    forger.delete(LOGS, row)


def drop_proof(random: Random, forger: Forger) -> None:
    row = random.choice([row for row in forger.entries() if row["proof"] is not None])
    gone = {"proof": None, "nonce": None, "expires_on": None, "link": None, "link_nonce": None}
    forger.set(ENTRIES, row, **gone)
    delete_record_of(forger, row["sequence"])


def drop_link(random: Random, forger: Forger) -> None:
    row = random.choice([row for row in forger.entries() if row["link"] is not None])
    forger.set(ENTRIES, row, link=None, link_nonce=None)
    for record in forger.rows(RECORDS):
        if record["sequence"] == row["sequence"]:
            forger.set(RECORDS, record, receipt_hash="", language="")


def drop_nonce(random: Random, forger: Forger) -> None:
    row = random.choice([row for row in forger.entries() if row["link"] is not None])
    forger.set(ENTRIES, row, **{random.choice(["nonce", "link_nonce"]): None})


def excuse(random: Random, forger: Forger) -> None:
    """Drop a proof and add the erasure that excuses it."""
    entries = forger.entries()
    place = random.choice([place for place, row in enumerate(entries) if row["kind"] == "record" and row["proof"]])
    entries[place] |= {"proof": None, "nonce": None, "expires_on": None, "link": None, "link_nonce": None}
    delete_record_of(forger, place)
    last = entries[-1]
    text = erasure_text(forger.site, minute_text(last["minute"]), Reason.RETENTION, [place], None)
    more = {"kind": Kind.ERASURE.value, "proof": text, "nonce": "ab" * 16, "link": None, "link_nonce": None}
    forger.write([*entries, {**last, **more, "link_commitment": "0" * 64, "expires_on": None}])


def edit_checkpoint(random: Random, forger: Forger) -> None:
    row = random.choice(forger.rows(CHECKPOINTS))
    name = random.choice(["size", "root", "last", "key", "signature"])
    forger.set(CHECKPOINTS, row, **{name: altered(random, row[name])})


def edit_banner(random: Random, forger: Forger) -> None:
    row = random.choice(forger.rows(BANNERS))
    forger.set(BANNERS, row, bundle=row["bundle"].replace(b"Accept", b"Agreed"))


def drop_banner(random: Random, forger: Forger) -> None:
    forger.delete(BANNERS, random.choice(forger.rows(BANNERS)))


WITHOUT_KEY = [
    edit_entry, edit_record, delete_entry, delete_record, swap, swap_records, back_date, rewrite, truncate, append,
    insert_record, forge_head, sign_elsewhere, drop_head, drop_proof, drop_link, drop_nonce, excuse, edit_checkpoint,
    edit_banner, drop_banner,
]  # fmt: skip


def test_untouched_log_holds_whatever_was_in_it(lived: Scene) -> None:
    verdict = verify(lived.lines(), TRUSTED, [lived.checkpoint()])
    assert verdict.findings == ()
    assert set(verdict.kinds) == {"record", "erasure"}
    assert verdict.erased >= 10
    assert verdict.entries > 30
    assert verdict.checkpoints == 8
    assert (verdict.is_compared, verdict.points, verdict.keys) == (True, 1, tuple(TRUSTED))


@on_sqlite_alone
def test_tamperings_without_the_key_are_all_found(lived: Scene) -> None:
    unseen, before = [], lived.lines()
    for number in range(TAMPERINGS):
        tamper = WITHOUT_KEY[number % len(WITHOUT_KEY)]
        verdict, has_changed = lived.after(partial(tamper, Random(number)), before=before)
        if has_changed and verdict.holds:
            unseen.append(f"{tamper.__name__} {number}")
        assert has_changed or tamper in (swap, swap_records), f"{tamper.__name__} {number} changed nothing"
    assert unseen == []
    assert verify(lived.lines(), TRUSTED).holds


@on_sqlite_alone
def test_tamperings_with_lines_of_the_bundle_are_all_found(lived: Scene) -> None:
    """A bundle is handed over by somebody: bytes changed, lines lost, doubled or moved."""
    lines = lived.lines()
    unseen = []
    for number in range(300):
        random, changed = Random(number), list(lines)
        place = random.randrange(len(lines))
        match number % 3:
            case 0:
                del changed[place]
            case 1:
                changed.insert(random.randrange(len(lines)), lines[place])
            case 2:
                at = random.randrange(len(lines[place]) - 1)
                changed[place] = lines[place][:at] + b"#" + lines[place][at + 1 :]
        if verify(changed, TRUSTED).holds and matters(lines, changed, place):
            unseen.append((number, lines[place][:60]))
    assert unseen == []


def matters(before: list[bytes], after: list[bytes], place: int) -> bool:
    """Tell whether a change says something else: when it was exported, and lines doubled that say the same, do not."""
    line = before[place]
    if line.startswith((b'{"bundle"', b'{"checkpoint"')) and len(after) <= len(before):
        return line.startswith(b'{"checkpoint"') and len(after) == len(before)
    return len(after) <= len(before) or not line.startswith((b'{"key"', b'{"banner"', b'{"bundle"'))


@on_sqlite_alone
def test_whoever_has_the_key_is_found_from_the_last_published_checkpoint_on(lived: Scene) -> None:
    checkpoint = lived.checkpoint()
    unseen = []
    tamperings = [swap, back_date, rewrite, truncate, delete_with_key]
    for number in range(100):
        tamper = tamperings[number % len(tamperings)]

        def forge(forger: Forger, n: int = number, t: Any = tamper) -> None:
            t(Random(n), forger)
            for row in forger.rows(CHECKPOINTS):
                forger.delete(CHECKPOINTS, row)
            forger.write(forger.entries(), KEYS)

        verdict, _ = lived.after(forge, outside=[checkpoint])
        if verdict.holds:
            unseen.append(f"{tamper.__name__} {number}")
    assert unseen == []


def delete_with_key(random: Random, forger: Forger) -> None:
    entries = forger.entries()
    gone = entries.pop(random.randrange(len(entries)))
    delete_record_of(forger, gone["sequence"])
    forger.write(entries)


def test_whoever_has_the_key_is_found_by_nothing_that_stayed_in_the_house(scene: Scene) -> None:
    """What the documentation says is not detected; else this would promise too much."""
    for action in (Action.ACCEPT_ALL, Action.REJECT_ALL, Action.ACCEPT_ALL):
        scene.choose(action)
    checkpoint = scene.checkpoint()

    def forge(forger: Forger) -> None:
        for row in forger.rows(CHECKPOINTS):
            forger.delete(CHECKPOINTS, row)
        delete_record_of(forger, 2)
        forger.write(forger.entries()[:2], KEYS)

    assert scene.after(forge)[0].holds
    verdict, _ = scene.after(forge, outside=[checkpoint])
    assert [str(finding) for finding in verdict.findings] == [
        f"on {checkpoint['day']} there were 3 entries, and now there are 2"
    ]


def test_older_state_of_the_database_is_found_by_a_receipt_that_left_the_house(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)
    older = scene.lines()
    receipt = scene.choose(Action.REJECT_ALL)
    kept = scene.own.receipt(scene.site, receipt)
    assert kept is not None
    assert verify(older, TRUSTED).holds
    assert not verify(older, TRUSTED, [kept]).holds
    assert verify(scene.lines(), TRUSTED, [kept]).holds


def test_checkpoint_cannot_pass_for_a_head(scene: Scene) -> None:
    """Else whoever can write the database would have a signed head to cut the log back to."""
    scene.choose(Action.ACCEPT_ALL)
    checkpoint = scene.checkpoint()
    scene.choose(Action.REJECT_ALL)

    def forge(forger: Forger) -> None:
        delete_record_of(forger, 1)
        forger.write(forger.entries()[:1])
        (row,) = forger.rows(LOGS)
        forger.set(LOGS, row, signature=checkpoint["signature"])

    assert not scene.after(forge)[0].holds


def test_without_a_key_from_outside_the_verdict_says_under_which_it_held(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)
    verdict = verify(scene.lines())
    assert (verdict.holds, verdict.is_compared, verdict.keys) == (True, False, tuple(TRUSTED))
    assert not verify(scene.lines(), [fingerprint(FOREIGN.public[0])]).holds


def test_what_was_kept_of_another_site_is_no_proof(scene: Scene, new_site: Callable[..., Site]) -> None:
    other = Scene(scene.plane, new_site(), scene.clock)
    for one in (scene, other):
        one.choose(Action.ACCEPT_ALL)
    assert not verify(scene.lines(), TRUSTED, [other.checkpoint()]).holds
    assert not verify(scene.lines(), TRUSTED, [{"anything": 1}]).holds
    assert not verify(scene.lines(), TRUSTED, [scene.checkpoint() | {"root": "0" * 64}]).holds


@pytest.mark.parametrize(
    "line",
    [
        b"", b"null", b"[]", b"7", b"{", b"\xff", b'{"entry": {}}', b'{"entry": {"sequence": []}}', b'{"key": 1}',
        b'{"head": {}}', b'{"head": {"size": "x"}}', b'{"checkpoint": {}}', b'{"bundle": "another"}', b'{"odd": 1}',
        b'{"key": {"public": "\\u00e9"}}', b'{"loose": {}}', b'{"banner": {}}',
    ],
)  # fmt: skip
def test_line_that_is_none_of_a_bundle_is_a_finding(scene: Scene, line: bytes) -> None:
    scene.choose(Action.ACCEPT_ALL)
    assert not verify([*scene.lines(), line], TRUSTED).holds
    assert not verify([line], TRUSTED).holds


def test_findings_are_said_in_plain_words_with_their_place(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)
    scene.choose(Action.REJECT_ALL)

    def forge(forger: Forger) -> None:
        (refused,) = (row for row in forger.rows(RECORDS) if row["state"] != "given")
        forger.set(RECORDS, refused, state="given")

    verdict, _ = scene.after(forge)
    assert [str(one) for one in verdict.findings] == ["entry 1: its record in the database says something else: state"]


def test_log_that_never_began_says_so(scene: Scene) -> None:
    verdict = verify(scene.lines(), TRUSTED)
    assert (verdict.entries, verdict.holds) == (0, False)
    assert "nothing was ever recorded, or it was taken away" in str(verdict.findings[0])


def test_erasure_that_was_not_carried_out_is_found(scene: Scene) -> None:
    """As after a restore of payloads out of a backup."""
    receipt = scene.choose(Action.ACCEPT_ALL)
    with undone(scene.plane) as db:
        kept = Forger(db, scene.site.id, scene.site.key).entries()[0]
    scene.own.erase(scene.site, receipt)

    def forge(forger: Forger) -> None:
        forger.set(ENTRIES, kept, link=kept["link"], link_nonce=kept["link_nonce"])

    verdict, _ = scene.after(forge)
    assert "an erasure names it, and it is still there" in [finding.text for finding in verdict.findings]


def test_newest_checkpoint_is_one_a_day_and_only_where_the_log_grew(scene: Scene) -> None:
    def kept() -> tuple[str, int]:
        with scene.plane.session() as db:
            keep_checkpoint(db, scene.log, scene.site.id, scene.site.key, scene.clock())
            newest = newest_checkpoint(db, scene.site.id, scene.site.key)
            return (newest.day, newest.size) if newest else ("", 0)

    assert kept() == ("", 0)
    scene.choose(Action.ACCEPT_ALL)
    assert kept() == (START.date().isoformat(), 1)
    scene.choose(Action.ACCEPT_ALL)
    assert kept() == (START.date().isoformat(), 1)
    scene.clock.advance(days=1)
    assert kept() == ((START + timedelta(days=1)).date().isoformat(), 2)
    scene.clock.advance(days=1)
    assert kept() == ((START + timedelta(days=1)).date().isoformat(), 2)


def test_rotated_keys_verify_together_and_the_older_one_may_go_once_the_head_is_signed_anew(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)
    scene.checkpoint()
    both = LogKeys(["z" * 40, NEW])
    rotated = ConsentSweep(scene.plane, ConsentLog(both), scene.clock, 12)
    scene.clock.advance(days=1)
    rotated.look_at(scene.site.id, scene.site.key)
    with undone(scene.plane) as db:
        lines = lines_of(db, scene.site.id, scene.site.key, LogKeys(["z" * 40]))
    prints = [fingerprint(raw) for raw in both.public]
    assert verify(lines, prints).findings == ()
    assert not verify(lines, prints[:1]).holds  # The checkpoint of before is the older key's.
    assert len(verify(lines, prints).keys) == 2


@on_sqlite_alone
@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("proof", "consent-record.v1", "consent-record.v2", "its proof is not what was committed to"),
        ("link", "consent-link.v1", "consent-link.v2", "its link is not what was committed to"),
        ("nonce", "", "00", "its proof is not what was committed to"),
        ("link_nonce", "", "00", "its link is not what was committed to"),
        ("link", None, None, "a text and its nonce are not both there"),
    ],
)
def test_every_byte_of_a_payload_counts(
    scene: Scene, name: str, before: str | None, after: str | None, said: str
) -> None:
    """Those, too, that no column repeats."""
    scene.choose(Action.ACCEPT_ALL)

    def forge(forger: Forger) -> None:
        (row,) = forger.entries()
        changed = None if before is None or after is None else row[name].replace(before, after, 1)
        forger.set(ENTRIES, row, **{name: changed})

    verdict, _ = scene.after(forge)
    assert said in [finding.text for finding in verdict.findings]


@on_sqlite_alone
def test_script_that_a_record_names_is_that_of_its_banner(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)

    def forge(forger: Forger) -> None:
        (entry,) = forger.entries()
        proof = orjson.loads(entry["proof"]) | {"script": "0" * 64}
        forger.write([entry | {"proof": orjson.dumps(proof, option=orjson.OPT_SORT_KEYS).decode()}], KEYS)

    verdict, _ = scene.after(forge)
    code = f"the code of the banner {scene.banner.version[:16]} is not the one that it names"
    assert [finding.text for finding in verdict.findings] == [code]


@on_sqlite_alone
def test_entries_written_anew_under_the_old_head_are_found(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)

    def forge(forger: Forger) -> None:
        (head,) = forger.rows(LOGS)
        rewrite(Random(1), forger)
        forger.set(LOGS, head, **{name: head[name] for name in ("size", "minute", "last", "peaks")})

    verdict, _ = scene.after(forge)
    assert [str(one) for one in verdict.findings] == ["the head was signed over other entries than these"]


@on_sqlite_alone
def test_checkpoint_that_was_not_signed_is_found(scene: Scene) -> None:
    scene.choose(Action.ACCEPT_ALL)
    day = scene.checkpoint()["day"]

    def forge(forger: Forger) -> None:
        (row,) = forger.rows(CHECKPOINTS)
        forger.set(CHECKPOINTS, row, signature=FOREIGN.sign("anything"))

    verdict, _ = scene.after(forge)
    assert [str(one) for one in verdict.findings] == [f"the checkpoint of {day} was not signed as it stands"]


@on_sqlite_alone
def test_deadline_that_was_moved_is_found(scene: Scene) -> None:
    """Else a proof could be made to go early, or never."""
    scene.choose(Action.ACCEPT_ALL)

    def forge(forger: Forger) -> None:
        (row,) = forger.entries()
        forger.set(ENTRIES, row, expires_on=row["expires_on"] + timedelta(days=400))

    verdict, _ = scene.after(forge)
    assert ["deadline" in str(one) for one in verdict.findings] == [True]


@on_sqlite_alone
@pytest.mark.parametrize("line", [b"head", b"checkpoint"])
@pytest.mark.parametrize(("name", "value"), [("signature", None), ("signature", []), ("key", []), ("size", {})])
def test_signed_state_of_another_form_is_a_finding(scene: Scene, line: bytes, name: str, value: Any) -> None:
    scene.choose(Action.ACCEPT_ALL)
    scene.checkpoint()

    def broken(one: bytes) -> bytes:
        said = orjson.loads(one)
        what = line.decode()
        return orjson.dumps({what: said[what] | {name: value}}) if said.get(what) else one

    found = [str(one) for one in verify([broken(one) for one in scene.lines()], TRUSTED).findings]
    assert found
    assert all(line.decode() in one or "signed" in one for one in found)


@on_sqlite_alone
@pytest.mark.parametrize("change", [{"key": []}, {"key": {}}, {"signature": None}, {"signature": 1}], ids=str)
def test_what_was_kept_outside_in_another_form_is_a_finding(scene: Scene, change: Row) -> None:
    scene.choose(Action.ACCEPT_ALL)
    kept = scene.checkpoint() | change
    found = [str(one) for one in verify(scene.lines(), TRUSTED, [kept]).findings]
    assert found == ["what was kept outside is neither a checkpoint nor a receipt"]


@on_sqlite_alone
@pytest.mark.parametrize("key", ["", "a\nIt holds.", "\x1b[2Jexample", "SITE"])
def test_bundle_of_what_is_no_site_has_no_header(scene: Scene, key: str) -> None:
    scene.choose(Action.ACCEPT_ALL)
    header, *others = scene.lines()
    verdict = verify([orjson.dumps(orjson.loads(header) | {"site": key}), *others], TRUSTED)
    assert verdict.site == ""
    assert "line 1 is no line of a bundle" in [str(one) for one in verdict.findings]
