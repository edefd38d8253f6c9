"""Records of choices: what is written, who is found again, when a token is renewed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects import sqlite

from firmly.accounts.database import ControlPlane
from firmly.accounts.site import Site
from firmly.consent.banner import banner_of, purposes_of
from firmly.consent.choice import Action
from firmly.consent.receipt import Receipts
from firmly.consent.service import Choice, Chosen, Consent, records_of
from firmly.consent.tables import BannerVersionRow, ConsentRecordRow
from firmly.consent.token import ConsentTokens
from firmly.model import Category
from tests.collector import START, SetClock
from tests.unit.consent.conftest import FILES, NEW, OLD

BANNER = "ab" * 32
STATISTICS = frozenset({Category.STATISTICS})
YES = Choice(Action.ACCEPT_ALL, STATISTICS, BANNER, "en", "banner")
NO = Choice(Action.REJECT_ALL, frozenset(), BANNER, "en", "banner")
WITHDRAW = Choice(Action.WITHDRAW, frozenset(), BANNER, "fi", "preferences")


@pytest.fixture
def shown(plane: ControlPlane, site: Site) -> None:
    show(plane, site)


def show(plane: ControlPlane, site: Site) -> None:
    """Put on record that the site showed `BANNER`, which asks for what it asks for today."""
    with plane.session() as db:
        db.add(
            BannerVersionRow(
                site_id=site.id,
                version=BANNER,
                purposes=purposes_of(site),
                bundle=banner_of(site, FILES).bundle,
                first_served_at=START,
            )
        )


def choose(consent: Consent, site: Site, choice: Choice, receipt: str | None) -> Chosen:
    chosen = consent.choose(site, choice, receipt)
    assert chosen is not None
    return chosen


def records(plane: ControlPlane, site: Site) -> list[dict[str, Any]]:
    with plane.connection() as connection:
        found = connection.execute(
            select(ConsentRecordRow.__table__).where(ConsentRecordRow.site_id == site.id).order_by(ConsentRecordRow.id)
        )
        return [dict(row) for row in found.mappings()]


@pytest.mark.usefixtures("shown")
def test_record_is_exact_to_the_minute_and_has_no_other_columns(
    plane: ControlPlane, consent: Consent, site: Site, clock: SetClock
) -> None:
    clock.now = datetime(2026, 11, 20, 10, 7, 42, 987654, tzinfo=UTC)
    chosen = choose(consent, site, YES, None)
    [row] = records(plane, site)
    assert (len(row.pop("record")), row.pop("id") > 0) == (32, True)
    assert row == {
        "site_id": site.id,
        "receipt_hash": Receipts([NEW]).hash(chosen.receipt),
        "minute": datetime(2026, 11, 20, 10, 7, tzinfo=UTC),
        "action": "accept_all",
        "state": "given",
        "source": "banner",
        "categories": ["statistics"],
        "banner": BANNER,
        "language": "en",
        "expires_on": date(2027, 5, 20),
        "sequence": 0,
    }


@pytest.mark.usefixtures("shown")
def test_answer_holds_the_three_separate_things(consent: Consent, site: Site) -> None:
    chosen = choose(consent, site, YES, None)
    assert chosen.token is not None
    assert (
        chosen.cookie_value == f"v1.{site.key}.statistics.{BANNER[:16]}.{(date(2027, 5, 20) - date(1970, 1, 1)).days}"
    )
    assert chosen.expires_at == datetime(2027, 5, 20, tzinfo=UTC)
    assert chosen.receipt not in chosen.cookie_value + chosen.token.value
    assert ConsentTokens([NEW]).read(chosen.token.value) is not None


@pytest.mark.usefixtures("shown")
def test_receipt_is_stored_as_its_hash_only(plane: ControlPlane, consent: Consent, site: Site) -> None:
    chosen = choose(consent, site, YES, None)
    assert chosen.receipt not in repr(records(plane, site))


@pytest.mark.usefixtures("shown")
@pytest.mark.parametrize("choice", [NO, WITHDRAW], ids=["refused", "withdrawn"])
def test_refusal_gets_a_receipt_and_no_token(consent: Consent, site: Site, choice: Choice) -> None:
    chosen = choose(consent, site, choice, None)
    assert chosen.token is None
    assert ".none." in chosen.cookie_value
    assert consent.renew(site, chosen.receipt) is None


@pytest.mark.usefixtures("shown")
def test_known_receipt_stays_and_records_are_appended(plane: ControlPlane, consent: Consent, site: Site) -> None:
    first = choose(consent, site, YES, None)
    second = choose(consent, site, WITHDRAW, first.receipt)
    assert second.receipt == first.receipt
    assert [(row["action"], row["state"]) for row in records(plane, site)] == [
        ("accept_all", "given"),
        ("withdraw", "withdrawn"),
    ]


@pytest.mark.usefixtures("shown")
@pytest.mark.parametrize("choice", [NO, WITHDRAW])
def test_what_was_said_already_today_leaves_no_record(
    plane: ControlPlane, consent: Consent, site: Site, clock: SetClock, choice: Choice
) -> None:
    first = choose(consent, site, choice, None)
    clock.advance(minutes=5)
    assert choose(consent, site, choice, first.receipt) == first
    assert len(records(plane, site)) == 1
    clock.advance(days=1)
    assert choose(consent, site, choice, first.receipt).expires_at > first.expires_at
    assert len(records(plane, site)) == 2


@pytest.mark.usefixtures("shown")
def test_consent_is_renewed_on_record_once_a_day(plane: ControlPlane, consent: Consent, site: Site) -> None:
    receipt = choose(consent, site, YES, None).receipt
    answers = [choose(consent, site, YES, receipt) for _ in range(3)]
    assert [row["state"] for row in records(plane, site)] == ["given", "renewed"]
    assert all(answer == answers[0] and answer.token for answer in answers)


@pytest.mark.usefixtures("shown")
@pytest.mark.parametrize(
    "other", [{"language": "fi"}, {"source": "preferences"}, {"action": Action.CUSTOM}, {"action": Action.WITHDRAW}]
)
def test_what_differs_in_anything_is_recorded(
    plane: ControlPlane, consent: Consent, site: Site, other: dict[str, Any]
) -> None:
    receipt = choose(consent, site, NO, None).receipt
    choose(consent, site, replace(NO, **other), receipt)
    assert len(records(plane, site)) == 2


@pytest.mark.parametrize("plane", ["on_sqlite"], indirect=True)
@pytest.mark.parametrize("hashes", [["a"], ["a", "b"]], ids=["one key", "rotated"])
def test_visitors_records_are_found_without_reading_the_whole_site(plane: ControlPlane, hashes: list[str]) -> None:
    found = records_of(1, hashes).order_by(ConsentRecordRow.id.desc()).limit(1)
    sql = str(found.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))
    with plane.reading() as db:
        plan = str(db.execute(text(f"explain query plan {sql}")).all())
    assert "ix_consent_records_site_id_receipt_hash_id (site_id=? AND receipt_hash=?)" in plan


@pytest.mark.usefixtures("shown")
def test_unknown_receipt_gets_a_new_one(consent: Consent, site: Site) -> None:
    """Else a page could choose the id of a visitor's record."""
    assert choose(consent, site, YES, "ab" * 16).receipt != "ab" * 16


@pytest.mark.usefixtures("shown")
def test_receipt_of_another_site_is_unknown(
    plane: ControlPlane, consent: Consent, site: Site, new_site: Callable[..., Site]
) -> None:
    other = new_site()
    show(plane, other)
    elsewhere = choose(consent, other, YES, None).receipt
    assert consent.renew(site, elsewhere) is None
    assert choose(consent, site, YES, elsewhere).receipt != elsewhere


@pytest.mark.usefixtures("shown")
def test_token_is_renewed_while_the_choice_stands(consent: Consent, site: Site, clock: SetClock) -> None:
    chosen = choose(consent, site, YES, None)
    clock.advance(days=30)
    renewed = consent.renew(site, chosen.receipt)
    assert renewed is not None
    assert renewed.expires_at == datetime(2026, 12, 22, tzinfo=UTC)
    read = ConsentTokens([NEW]).read(renewed.value)
    assert read is not None
    assert (read.granted, read.banner, read.day) == (STATISTICS, BANNER, date(2026, 12, 20))


def test_token_is_not_renewed_for_who_is_unknown(consent: Consent, site: Site) -> None:
    assert consent.renew(site, "ab" * 16) is None


@pytest.mark.usefixtures("shown")
@pytest.mark.parametrize(
    "choice",
    [NO, WITHDRAW, replace(NO, action=Action.CUSTOM), replace(WITHDRAW, granted=STATISTICS)],
    ids=["refuse", "withdraw", "custom", "withdraw with categories"],
)
def test_token_is_not_renewed_after_a_change_of_mind(consent: Consent, site: Site, choice: Choice) -> None:
    receipt = choose(consent, site, YES, None).receipt
    choose(consent, site, choice, receipt)
    assert consent.renew(site, receipt) is None
    choose(consent, site, YES, receipt)
    assert consent.renew(site, receipt) is not None


@pytest.mark.usefixtures("shown")
def test_choice_stands_six_months_and_no_visit_extends_it(consent: Consent, site: Site, clock: SetClock) -> None:
    receipt = choose(consent, site, YES, None).receipt
    clock.now = datetime(2027, 5, 19, 23, 59, 59, tzinfo=UTC)
    assert consent.renew(site, receipt) is not None
    clock.now += timedelta(seconds=1)
    assert consent.renew(site, receipt) is None


@pytest.mark.usefixtures("shown")
def test_old_key_still_finds_records_after_a_rotation(new_consent: Callable[..., Consent], site: Site) -> None:
    receipt = choose(new_consent(OLD), site, YES, None).receipt
    rotated = new_consent(NEW, OLD)
    assert rotated.renew(site, receipt) is not None
    assert choose(rotated, site, WITHDRAW, receipt).receipt == receipt
    assert rotated.renew(site, receipt) is None
    assert new_consent(NEW).renew(site, receipt) is None


def test_banner_is_kept_once_and_found(plane: ControlPlane, consent: Consent, site: Site, clock: SetClock) -> None:
    banner = banner_of(site, FILES)
    choice = replace(YES, banner=banner.version)
    assert consent.choose(site, choice, None) is None
    assert consent.keep_banner(site, banner) == ()
    clock.advance(days=1)
    assert consent.keep_banner(site, banner) == ()
    assert consent.choose(site, choice, None) is not None
    with plane.reading() as db:
        [row] = db.scalars(select(BannerVersionRow).where(BannerVersionRow.site_id == site.id))
        assert (row.bundle, row.first_served_at) == (banner.bundle, clock.now - timedelta(days=1))


def test_unchanged_are_the_other_versions_with_the_same_purposes(
    consent: Consent, site: Site, new_site: Callable[..., Site]
) -> None:
    versions = [banner_of(site, replace(FILES, core=f"core {number}")) for number in range(3)]
    another = banner_of(replace(site, controller="Another Ltd"), FILES)
    consent.keep_banner(new_site(), banner_of(new_site(), FILES))
    for banner in (*versions, another):
        consent.keep_banner(site, banner)
    assert consent.keep_banner(site, versions[0]) == tuple(sorted(banner.version for banner in versions[1:]))
    assert consent.keep_banner(site, another) == ()


def test_unchanged_are_no_versions_that_nobodys_choice_names_any_more(
    consent: Consent, site: Site, clock: SetClock
) -> None:
    chosen_in, unused, current = (banner_of(site, replace(FILES, core=f"core {number}")) for number in range(3))
    for banner in (chosen_in, unused):
        consent.keep_banner(site, banner)
    choose(consent, site, replace(YES, banner=chosen_in.version), None)
    clock.advance(days=31)
    assert consent.keep_banner(site, current) == (chosen_in.version,)
    clock.now = datetime(2027, 5, 20, tzinfo=UTC)
    assert consent.keep_banner(site, current) == ()


def test_banner_of_another_site_is_unknown_and_leaves_no_record(
    plane: ControlPlane, consent: Consent, site: Site, new_site: Callable[..., Site]
) -> None:
    banner, other = banner_of(site, FILES), new_site()
    consent.keep_banner(site, banner)
    assert consent.choose(other, replace(YES, banner=banner.version), None) is None
    assert records(plane, other) == []


@pytest.mark.usefixtures("shown")
def test_many_at_once(plane: ControlPlane, consent: Consent, site: Site) -> None:
    """Threads of one process: no choice is lost, and the first look at a banner keeps it once."""
    banner = banner_of(site, FILES)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: consent.keep_banner(site, banner), range(16))) == [(BANNER,)] * 16
        chosen = list(pool.map(lambda _: choose(consent, site, YES, None), range(40)))
    assert len({one.receipt for one in chosen}) == len(records(plane, site)) == 40


@pytest.mark.usefixtures("shown")
def test_records_are_only_ever_appended(consent: Consent, site: Site, plane: ControlPlane) -> None:
    receipt = choose(consent, site, YES, None).receipt
    before = records(plane, site)
    for choice in (NO, YES, WITHDRAW):
        choose(consent, site, choice, receipt)
    assert records(plane, site)[:1] == before
    assert {column.name for column in ConsentRecordRow.__table__.columns} == set(before[0])
