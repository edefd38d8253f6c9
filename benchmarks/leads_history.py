"""A year of made-up events of one workspace, drawn inside ClickHouse: events, their rollups, the coverage ledger.

What is drawn depends on the size, the day and nothing else. Organisations, paths and sites are skewed as real ones
are; a company comes to its own site most often, on working days, in working hours.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import clickhouse_connect
from clickhouse_connect.driver.client import Client

from firmly.model import OrgId

DAYS = 365
SITES = 40
PATHS = 5000
EVENTS_OF_ORG = 250
EVENTS_OF_VISIT = 6.1
"""Three page views, an engagement event each, and a goal in 6 of 100 visits."""
STARTS, ENDS, TOWNS, COUNTRIES = (
    tuple(words.split())
    for words in (
        "Nord Alp Ost Bal Kal Mer Tor Vas Hel Lum Gran Pont Ros Fer Sil Aur Dan Kor Vel Bris Tal Ner Zan Mos",
        "tech bau pumpen data werk form logic plan stahl soft med energi holz quim tex foods trans glas",
        "Tampere Bremen Lyon Gdynia Porto Graz Leeds Malmö Aarhus Ghent Brno Pécs Turin Cádiz Tartu Kaunas Cork Basel",
        "FI DE FR PL PT AT GB SE DK BE CZ HU IT ES EE LT IE CH",
    )
)
"""Names of companies are put together from these; a town has its country at the same place."""

INSERT_SETTINGS = {
    "max_threads": 2,
    "max_block_size": 32_768,
    "min_insert_block_size_rows": 500_000,
    "max_memory_usage": 3 * 2**30,
    "insert_deduplicate": 0,
}

EVENTS = """
insert into events
(
    workspace_id, site_id, day, org_id, visit_id, minute, seq, kind, starts_visit, basis, detail, host, path,
    referrer_host, source, utm_source, utm_medium, utm_campaign, goal, active_ms, scroll_pct, device, browser, os,
    org_name, org_kind, org_country, org_domain, org_asn, org_registered_name, org_source, org_as_of, org_confidence,
    retain_until
)
with
    (of, what) -> cityHash64(of, what) / 18446744073709551616. as drawn,
    (list, share) -> list[1 + toUInt32(length(list) * share)] as one_of,
    toUInt32({paths:UInt32} * pow(drawn((visit, least(intDiv(place, 2), pages - 1)), 'path'), 3)) as page
select
    {workspace_id:UInt32} as workspace_id,
    site_id,
    day,
    cityHash64(org, 'organisation') as org_id,
    if(is_route, cityHash64(visit, 'visit'), 0) as visit_id,
    toDateTime(day, 'UTC') + if(is_route, 60 * (start + intDiv(place, 2)), 0) as minute,
    if(is_route, place, 0) as seq,
    multiIf(place >= 2 * pages, 'goal', place % 2 = 0, 'pageview', 'engagement') as kind,
    place = 0 as starts_visit,
    if(drawn(visit, 'basis') < 0.6, 'consent', 'company') as basis,
    if(is_route, 'route', 'counts') as detail,
    concat('www.site-', toString(site_id), '.example') as host,
    concat(
        '/', one_of(['products', 'blog', 'cases', 'support', 'jobs'], drawn(page, 'folder')), '/page-', toString(page)
    ),
    multiIf(source = 'search', 'www.google.com', source = 'social', 'www.linkedin.com', ''),
    one_of(['direct', 'search', 'search', 'social', 'ad', 'mail', 'referral'], drawn(visit, 'source')) as source,
    multiIf(source = 'ad', 'google', source = 'mail', 'newsletter', ''),
    multiIf(source = 'ad', 'cpc', source = 'mail', 'email', ''),
    if(source in ('ad', 'mail'), concat('campaign-', toString(toUInt32(50 * drawn(visit, 'campaign')))), ''),
    if(kind = 'goal', one_of(['contact', 'demo', 'download', 'quote', 'newsletter'], drawn(visit, 'goal')), ''),
    if(kind = 'engagement', toUInt32(1000 - 30000 * log(1 - drawn((visit, place), 'active'))), 0),
    if(kind = 'engagement', toUInt8(100 * drawn((visit, place), 'scroll')), 0),
    one_of(['desktop', 'desktop', 'desktop', 'mobile', 'tablet'], drawn(visit, 'device')),
    one_of(['Chrome', 'Chrome', 'Edge', 'Firefox', 'Safari'], drawn(visit, 'browser')),
    one_of(['Windows', 'Windows', 'macOS', 'Linux', 'iOS'], drawn(visit, 'os')),
    concat(word, ' ', town),
    one_of(['business', 'business', 'business', 'education', 'government', 'nonprofit'], drawn(org, 'kind')),
    one_of({countries:Array(String)}, drawn(org, 'town')),
    if(drawn(org, 'domain') < 0.7, concat(lower(word), '-', toString(org), '.example'), ''),
    toUInt32(1000 + 60000 * drawn(org, 'asn')),
    concat(upper(word), ' ', town, ' Ltd'),
    'made up',
    {last_day:Date} - 100,
    one_of(['very_high', 'high', 'medium', 'low'], drawn(org, 'confidence')),
    day + 395
from
(
    select
        number as visit,
        -- Few companies come often: 1 of 800 visits is of the first, the last comes six times a year.
        toUInt32(100 * pow(1 + {orgs:UInt32} / 100, drawn(visit, 'organisation')) - 100) as org,
        drawn(org, 'detail') > 0.1 as is_route,
        concat(
            one_of({starts:Array(String)}, drawn(org, 'start')), one_of({ends:Array(String)}, drawn(org, 'end'))
        ) as word,
        one_of({towns:Array(String)}, drawn(org, 'town')) as town,
        1 + toUInt32(
            {sites:UInt32} * pow(if(drawn(visit, 'home') < 0.75, drawn(org, 'site'), drawn(visit, 'site')), 2)
        ) as site_id,
        {first_day:Date} + toUInt32({days:UInt32} * drawn(visit, 'day')) as any_day,
        greatest(
            {first_day:Date}, any_day - if(toDayOfWeek(any_day) > 5 and drawn(visit, 'weekend') < 0.8, 2, 0)
        ) as day,
        toUInt32(
            if(day = {last_day:Date}, {minutes_of_last_day:UInt32}, 1400)
            * (drawn(visit, 'early') + drawn(visit, 'late')) / 2
        ) as start,
        1 + least(19, toUInt32(-2.5 * log(1 - drawn(visit, 'pages')))) as pages,
        2 * pages + (drawn(visit, 'has goal') < 0.06) as events_of_visit
    from numbers({first_visit:UInt64}, {visits:UInt64})
)
array join range(events_of_visit) as place
"""

COVERAGE = """
insert into coverage_hours (workspace_id, site_id, hour, outcome, pageviews)
with (of, what) -> cityHash64(of, what) / 18446744073709551616. as drawn
select
    {workspace_id:UInt32},
    1 + number % {sites:UInt32} as site_id,
    toDateTime({first_day:Date}, 'UTC') + 3600 * (intDiv(number, {sites:UInt32}) % (24 * {days:UInt32})) as hour,
    outcome,
    toUInt64({pageviews_of_hour:Float64} * share * 2 * drawn(number, outcome) + drawn(outcome, number)) as counted
from numbers({hours:UInt64})
array join
    ['company', 'no_consent', 'home_network', 'mobile_network', 'carrier_network', 'bot', 'vpn_network'] as outcome,
    [1, 2, 3, 2, 1, 0.5, 0.2]::Array(Float64) as share
where counted > 0 and hour <= now()
"""

COMPANIES = """
select org_id
from org_days
where workspace_id = {workspace_id:UInt32} and day > {last_day:Date} - 30
group by org_id
having max(has_route) = 1
order by sum(org_days.visits) desc, org_id
"""


@dataclass(frozen=True, slots=True)
class Built:
    """What is there: ``disk_mb`` is of all tables, ``companies`` those of the last 30 days, most visited first."""

    events: int
    organisations: int
    disk_mb: int
    companies: tuple[OrgId, ...]


def build(folder: Path, database: str, workspace_id: int, events: int) -> Built:
    """Fill a migrated ``database`` of this process's chDB with about ``events`` events up to now, and let it settle."""
    now = datetime.now(UTC)
    given: dict[str, object] = {
        "workspace_id": workspace_id,
        "sites": SITES,
        "paths": PATHS,
        "orgs": events // EVENTS_OF_ORG,
        "starts": list(STARTS),
        "ends": list(ENDS),
        "towns": list(TOWNS),
        "countries": list(COUNTRIES),
        "last_day": now.date(),
        "minutes_of_last_day": max(0, now.hour * 60 + now.minute - 20),
    }
    made = clickhouse_connect.get_client(
        interface="chdb", path=str(folder), database=database, settings=INSERT_SETTINGS
    )
    with closing(made) as client:
        first_visit = 0
        for first, days in _months(now.date()):
            visits = round(events / EVENTS_OF_VISIT * days / DAYS)
            month = {"first_day": first, "days": days, "first_visit": first_visit, "visits": visits}
            client.command(EVENTS, parameters=given | month)
            first_visit += visits
        ledger = {
            "first_day": now.date() - timedelta(days=DAYS - 1),
            "days": DAYS,
            "hours": SITES * DAYS * 24,
            "pageviews_of_hour": events / 2 / (SITES * DAYS * 24),
        }
        client.command(COVERAGE, parameters=given | ledger)
        _settle(client)
        return Built(
            events=_number(client, "select count() from events"),
            organisations=_number(client, "select uniqExact(org_id) from organisations"),
            disk_mb=_number(
                client,
                "select intDiv(sum(bytes_on_disk), 1048576) from system.parts "
                "where active and database = currentDatabase()",
            ),
            companies=tuple(OrgId(row[0]) for row in client.query(COMPANIES, parameters=given).result_rows),
        )


def _months(last: date) -> Iterator[tuple[date, int]]:
    """Return the first day and the number of days of each calendar month's part of the year that ends with ``last``."""
    first = last - timedelta(days=DAYS - 1)
    while first <= last:
        end = min((first.replace(day=1) + timedelta(days=32)).replace(day=1), last + timedelta(days=1))
        yield first, (end - first).days
        first = end


def _settle(client: Client) -> None:
    """Wait until nothing is merged any more: a merge would take a processor from the questions."""
    quiet, until = 0, time.monotonic() + 600
    while quiet < 3 and time.monotonic() < until:
        quiet = 0 if _number(client, "select count() from system.merges") else quiet + 1
        time.sleep(1)


def _number(client: Client, query: str) -> int:
    return int(client.query(query).result_rows[0][0])
