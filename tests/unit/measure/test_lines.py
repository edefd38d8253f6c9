"""The line that the spool keeps: the columns of `events` and the batch, nothing else."""

import json
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any

import orjson
import pytest

from firmly.accounts.site import Site
from firmly.measure import lines
from firmly.measure.arrival import Arrival, Draft
from firmly.measure.device import Device
from firmly.measure.lines import LineWriter
from firmly.measure.reduce import page_of
from firmly.measure.visits import Visit
from firmly.measure.wire import Batch, PageView
from firmly.model import (
    Alternative,
    BeforeConsent,
    Confidence,
    Detail,
    DropReason,
    Organisation,
    OrgId,
    OrgKind,
    SiteId,
    SiteKey,
    WorkspaceId,
)
from firmly.organisations.address import Address
from tests.collector import BROWSER, ORIGIN, START

FIRM = Organisation(
    id=OrgId(2**64 - 1), name='Nokia "Oy"', kind=OrgKind.BUSINESS, country="FI", domain="nokia.com", asn=1248,
    registered_name="Nokia", source="test data", as_of=date(2026, 3, 1), confidence=Confidence.HIGH,
    detail=Detail.ROUTE,
    alternatives=(
        Alternative("Elisa", "AS numbers", DropReason.CARRIER_NETWORK), Alternative("Nokia Bell", "AS", None),
    ),
)  # fmt: skip
SITE = Site(
    id=SiteId(3), workspace_id=WorkspaceId(2), key=SiteKey("examplesite"), name="Example", origins=(ORIGIN,),
    before_consent=BeforeConsent.WAIT, controller="Example Ltd", privacy_url="", language="en",
    query_keys=frozenset({"plan"}), goals={}, titles=False, retention_days=30,
)  # fmt: skip


def arrival_of(detail: Detail, now: datetime = START, site: Site = SITE, firm: Organisation = FIRM) -> Arrival:
    batch = Batch(
        "examplesite", [PageView("https://www.example.com/")], batch="ab" * 16, visit="cd" * 16, token="secret"
    )
    arrival = Arrival(batch, Address.parse("203.0.113.7"), ORIGIN, BROWSER, objects=False, now=now)
    arrival.site, arrival.basis, arrival.visit_key = site, "consent", b"key"
    arrival.device = Device("desktop", "Chrome", "Windows", is_bot=False)
    arrival.organisation = replace(firm, detail=detail)
    return arrival


def draft(kind: str = "pageview") -> Draft:
    page = page_of(
        f"{ORIGIN}/pricing?plan=pro&utm_source=a&utm_medium=b&utm_campaign=c&utm_term=d&utm_content=e",
        frozenset({"plan"}),
    )
    return Draft(
        kind,
        page=page,
        title="Pricing",
        referrer_host="ref.example",
        source="referral",
        props={"plan": "pro"},
        visit=Visit(77, START, ()),
        starts_visit=True,
        goal="contact",
        active_ms=5,
        scroll_pct=6,
        seq=5,
    )


def columns_of_events() -> set[str]:
    folder = files("firmly.warehouse") / "migrations"
    table = re.search(
        r"create table if not exists events\n\((.*?)\n\)", (folder / "0001_events.sql").read_text(), re.DOTALL
    )
    assert table is not None
    added = re.findall(
        r"alter table events add column if not exists\s+(\w+) ", (folder / "0003_alternatives.sql").read_text()
    )
    return {*re.findall(r"^    (\w+) ", table[1], re.MULTILINE), *added}


KINDS = ("pageview", "engagement", "goal")


@pytest.mark.parametrize("detail", Detail)
@pytest.mark.parametrize("given", [*map(draft, KINDS), Draft("engagement")], ids=[*KINDS, "without page"])
def test_keys_are_columns_and_the_batch(detail: Detail, given: Draft) -> None:
    line = LineWriter()(arrival_of(detail), given)
    keys = set(orjson.loads(line))
    assert keys <= columns_of_events() | {"batch"}
    pairs = json.loads(line, object_pairs_hook=list)
    assert len(pairs) == len(keys), "a column is there twice"
    assert (line.count(b"\n"), line[-1:]) == (1, b"\n")


def test_every_column_is_written_by_some_kind() -> None:
    keys = {key for kind in KINDS for key in orjson.loads(LineWriter()(arrival_of(Detail.ROUTE), draft(kind)))}
    assert keys == columns_of_events() | {"batch"}


def read(detail: Detail) -> dict[str, Any]:
    line: dict[str, Any] = orjson.loads(LineWriter()(arrival_of(detail), draft()))
    return line


def test_route_has_its_place_and_whole_minutes() -> None:
    line = read(Detail.ROUTE)
    assert (line["visit_id"], line["seq"], line["minute"]) == (77, 5, "2026-11-20 10:07:00")
    assert (line["day"], line["retain_until"]) == ("2026-11-20", str(date(2026, 11, 20) + timedelta(days=30)))
    assert (line["org_id"], line["org_name"], line["batch"]) == (2**64 - 1, 'Nokia "Oy"', "ab" * 16)
    assert line["org_alternatives"] == [
        {"name": "Elisa", "source": "AS numbers", "reason": "carrier_network"},
        {"name": "Nokia Bell", "source": "AS", "reason": ""},
    ]


def test_counts_have_neither_visit_nor_place_nor_time_of_day() -> None:
    line = read(Detail.COUNTS)
    assert (line.get("visit_id", 0), line.get("seq", 0)) == (0, 0)
    assert (line["minute"], line["starts_visit"]) == ("2026-11-20 00:00:00", 1)


def test_what_is_remembered_of_one_line_is_not_written_into_another() -> None:
    """The part that events share is by organisation, detail, site and day, and by nothing else."""
    write = LineWriter()
    arrivals = [arrival_of(detail) for detail in Detail]
    arrivals.append(arrival_of(Detail.ROUTE, now=START + timedelta(days=1)))
    arrivals.append(arrival_of(Detail.ROUTE, site=replace(SITE, retention_days=31)))
    arrivals.append(arrival_of(Detail.ROUTE, firm=replace(FIRM, name="Another")))
    expected = [LineWriter()(arrival, draft()) for arrival in arrivals]
    assert [write(arrival, draft()) for arrival in (*arrivals, *arrivals)] == expected * 2
    assert len(set(expected)) == len(arrivals)


def test_object_at_the_place_of_one_that_is_gone_is_written_anew() -> None:
    """What is remembered by identity must not be told by the place in memory alone."""
    write, texts = LineWriter(), set[bytes]()
    for number in range(2000):
        texts.add(write(arrival_of(Detail.ROUTE, firm=replace(FIRM, name=f"Firm {number}")), draft()))
    assert len(texts) == 2000


def test_memory_is_bounded() -> None:
    write = LineWriter()
    for number in range(lines.REMEMBERED + 10):
        write(arrival_of(Detail.ROUTE, site=replace(SITE, id=SiteId(number))), draft())
    sizes = (len(write._sites), len(write._pages._known), len(write._organisations._known))
    assert max(sizes) <= lines.REMEMBERED


def test_nothing_of_the_request_is_written_as_it_came() -> None:
    line = LineWriter()(arrival_of(Detail.ROUTE), draft())
    for secret in (b"203.0.113.7", b"cb007107", b"cd" * 16, b"secret", b"Mozilla", b"6b6579", b"plan=pro&utm"):
        assert secret not in line
