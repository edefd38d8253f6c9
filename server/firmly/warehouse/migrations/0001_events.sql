-- The company-level events, and the rollups that pages read. One insert block fills them all.
-- No column holds or derives from a network address; docs/PRIVACY.md names the purpose of each.
create table if not exists events
(
    workspace_id        UInt32,
    site_id             UInt32,
    day                 Date,
    org_id              UInt64,
    visit_id            UInt64,                      -- 0 where detail = 'counts'
    minute              DateTime('UTC'),             -- whole minutes; midnight where detail = 'counts'
    seq                 UInt16,                      -- place within the visit; 0 where detail = 'counts'
    kind                LowCardinality(String),      -- pageview, engagement, goal
    starts_visit        UInt8,                       -- 1 on the first event of a visit, else 0
    basis               LowCardinality(String),      -- consent, company
    detail              LowCardinality(String),      -- route, counts
    host                LowCardinality(String),
    path                String,                      -- masked
    query               String,                      -- allow-listed keys only
    title               String,                      -- '' unless the site switched titles on
    referrer_host       LowCardinality(String),
    source              LowCardinality(String),      -- search, social, ad, mail, referral, direct
    utm_source          LowCardinality(String),
    utm_medium          LowCardinality(String),
    utm_campaign        LowCardinality(String),
    utm_term            LowCardinality(String),
    utm_content         LowCardinality(String),
    goal                LowCardinality(String),
    props               Map(LowCardinality(String), String),
    active_ms           UInt32,
    scroll_pct          UInt8,
    device              LowCardinality(String),      -- desktop, mobile, tablet, other
    browser             LowCardinality(String),
    os                  LowCardinality(String),
    org_name            LowCardinality(String),
    org_kind            LowCardinality(String),
    org_country         LowCardinality(String),
    org_domain          LowCardinality(String),
    org_asn             UInt32,
    org_registered_name LowCardinality(String),
    org_source          LowCardinality(String),
    org_as_of           Date,
    org_confidence      LowCardinality(String),
    retain_until        Date
)
engine = MergeTree
partition by toYYYYMM(day)
order by (workspace_id, site_id, day, org_id, visit_id, minute, seq)
settings $table_settings;

create table if not exists org_days
(
    workspace_id UInt32,
    day          Date,
    org_id       UInt64,
    site_id      UInt32,
    visits       SimpleAggregateFunction(sum, UInt64),
    pageviews    SimpleAggregateFunction(sum, UInt64),
    goals        SimpleAggregateFunction(sum, UInt64),
    active_ms    SimpleAggregateFunction(sum, UInt64),
    last_minute  SimpleAggregateFunction(max, DateTime('UTC')),
    has_route    SimpleAggregateFunction(max, UInt8),
    retain_until SimpleAggregateFunction(max, Date)
)
engine = AggregatingMergeTree
partition by toYYYYMM(day)
order by (workspace_id, day, org_id, site_id)
settings $table_settings;

create materialized view if not exists org_days_of_events to org_days as
select
    workspace_id, day, org_id, site_id,
    toUInt64(sum(starts_visit)) as visits,
    countIf(kind = 'pageview') as pageviews,
    countIf(kind = 'goal') as goals,
    toUInt64(sum(events.active_ms)) as active_ms,
    max(minute) as last_minute,
    toUInt8(max(detail = 'route')) as has_route,
    max(events.retain_until) as retain_until
from events
group by workspace_id, day, org_id, site_id;

create table if not exists org_events
(
    workspace_id  UInt32,
    org_id        UInt64,
    minute        DateTime('UTC'),
    visit_id      UInt64,
    seq           UInt16,
    site_id       UInt32,
    day           Date,
    kind          LowCardinality(String),
    starts_visit  UInt8,
    detail        LowCardinality(String),
    host          LowCardinality(String),
    path          String,
    title         String,
    referrer_host LowCardinality(String),
    source        LowCardinality(String),
    utm_source    LowCardinality(String),
    utm_medium    LowCardinality(String),
    utm_campaign  LowCardinality(String),
    utm_term      LowCardinality(String),
    goal          LowCardinality(String),
    active_ms     UInt32,
    scroll_pct    UInt8,
    retain_until  Date
)
engine = MergeTree
partition by toYYYYMM(day)
order by (workspace_id, org_id, minute, visit_id, seq)
settings $table_settings;

create materialized view if not exists org_events_of_events to org_events as
select
    workspace_id, org_id, minute, visit_id, seq, site_id, day, kind, starts_visit, detail, host, path, title,
    referrer_host, source, utm_source, utm_medium, utm_campaign, utm_term, goal, active_ms, scroll_pct, retain_until
from events;

create table if not exists organisations
(
    workspace_id    UInt32,
    org_id          UInt64,
    name            String,
    kind            LowCardinality(String),
    country         LowCardinality(String),
    domain          String,
    asn             UInt32,
    registered_name String,
    source          LowCardinality(String),
    as_of           Date,
    confidence      LowCardinality(String),
    last_minute     DateTime('UTC'),
    retain_until    Date
)
engine = ReplacingMergeTree(last_minute)
order by (workspace_id, org_id)
settings $table_settings;

create materialized view if not exists organisations_of_events to organisations as
select
    workspace_id, org_id,
    argMax(org_name, minute) as name,
    argMax(org_kind, minute) as kind,
    argMax(org_country, minute) as country,
    argMax(org_domain, minute) as domain,
    argMax(org_asn, minute) as asn,
    argMax(org_registered_name, minute) as registered_name,
    argMax(org_source, minute) as source,
    argMax(org_as_of, minute) as as_of,
    argMax(org_confidence, minute) as confidence,
    max(minute) as last_minute,
    max(events.retain_until) as retain_until
from events
group by workspace_id, org_id;
