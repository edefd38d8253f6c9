"""A visitor's own records beyond the routes: how many one answer holds, and what an erasure leaves."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select, update

from firmly.accounts.banner_settings import BannerSettings
from firmly.accounts.database import ControlPlane
from firmly.accounts.site import Site
from firmly.consent.banner import banner_of
from firmly.consent.choice import Action
from firmly.consent.own_records import NEWEST
from firmly.consent.tables import ConsentRecordRow
from tests.collector import SetClock
from tests.unit.consent.conftest import FILES
from tests.unit.consent.test_verify import Scene


@pytest.fixture
def scene(plane: ControlPlane, site: Site, clock: SetClock) -> Scene:
    return Scene(plane, site, clock)


def test_answers_hold_the_newest_records_and_say_how_many_there_are(scene: Scene) -> None:
    receipt = scene.choose(Action.ACCEPT_ALL)
    for number in range(NEWEST):
        scene.choose((Action.REJECT_ALL, Action.ACCEPT_ALL)[number % 2], receipt)
    history, said = scene.own.history(scene.site, receipt), scene.own.receipt(scene.site, receipt)
    assert history is not None
    assert said is not None
    sequences = list(range(1, NEWEST + 1))
    assert ([one["sequence"] for one in history["records"]], history["total"]) == (sequences[::-1], NEWEST + 1)
    assert ([one["log"]["sequence"] for one in said["records"]], said["total"]) == (sequences, NEWEST + 1)
    erased = scene.own.erase(scene.site, receipt)
    assert erased is not None
    assert erased.records == NEWEST + 1


@pytest.mark.parametrize("action", [Action.ACCEPT_ALL, Action.REJECT_ALL])
def test_refusal_after_an_erasure_is_remembered_as_long_as_the_banner_said(scene: Scene, action: Action) -> None:
    scene.site = replace(scene.site, banner=BannerSettings(months=12))
    scene.banner = banner_of(scene.site, FILES)
    scene.consent.keep_banner(scene.site, scene.banner)
    receipt = scene.choose(action)
    scene.clock.advance(days=-5)
    erased = scene.own.erase(scene.site, receipt)
    assert erased is not None
    assert erased.cookie_expires_on == date(2027, 11, 20)  # Not earlier by the days that the clock went back.


@pytest.mark.parametrize("outside", [{0}, {1}, {0, 1}], ids=["the first", "the last", "all"])
def test_erasing_takes_records_that_stand_outside_the_log(scene: Scene, outside: set[int]) -> None:
    """A collector of the release before writes such."""
    receipt = scene.choose(Action.REJECT_ALL)
    scene.choose(Action.ACCEPT_ALL, receipt)
    of_site = ConsentRecordRow.site_id == scene.site.id
    with scene.plane.session() as db:
        db.execute(
            update(ConsentRecordRow).where(of_site, ConsentRecordRow.sequence.in_(outside)).values(sequence=None)
        )
    erased = scene.own.erase(scene.site, receipt)
    assert erased is not None
    assert erased.records == 2
    with scene.plane.reading() as db:
        left = db.scalars(select(ConsentRecordRow).where(of_site)).all()
    assert [row.receipt_hash for row in left] == [""] * (3 - len(outside))
    assert scene.own.history(scene.site, receipt) is None
