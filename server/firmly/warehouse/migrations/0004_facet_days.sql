-- What lists are filtered by beside sums: pages, goals and where visits came from, per company and day.
-- Only of events whose route is kept: of the others nobody can be told which page was seen.
create table if not exists facet_days
(
    workspace_id UInt32,
    facet        LowCardinality(String),   -- page, landing_page, source, referrer, campaign, goal
    value        String,                   -- never ''
    day          Date,
    org_id       UInt64,
    site_id      UInt32,
    times        SimpleAggregateFunction(sum, UInt64),
    retain_until SimpleAggregateFunction(max, Date)
)
engine = AggregatingMergeTree
partition by toYYYYMM(day)
order by (workspace_id, facet, value, day, org_id, site_id)
settings $table_settings;

-- The distinct values, which are few: a part of a path is looked for here, and not in every row.
create table if not exists facets
(
    workspace_id UInt32,
    facet        LowCardinality(String),
    value        String,
    retain_until SimpleAggregateFunction(max, Date)
)
engine = AggregatingMergeTree
order by (workspace_id, facet, value)
settings $table_settings;

create materialized view if not exists facets_of_facet_days to facets as
select workspace_id, facet, value, max(facet_days.retain_until) as retain_until
from facet_days
group by workspace_id, facet, value;

-- What is there already: in one order and under one token, so that it counts once, also when this is cut short and
-- begins again, or two processes do it at once. It comes before the view: an event of these moments may be missing from
-- filters. A segment that an earlier release stored and this one sends again (killed in between) counts twice in them.
insert into facet_days
select
    workspace_id,
    tupleElement(shown, 1) as facet,
    tupleElement(shown, 2) as value,
    day,
    org_id,
    site_id,
    count() as times,
    max(events.retain_until) as retain_until
from events
array join
    arrayConcat(
        [if(kind = 'goal', ('goal', toString(goal)), ('page', path))],
        if(
            starts_visit = 1,
            [
                ('landing_page', path),
                ('source', toString(events.source)),
                ('referrer', toString(referrer_host)),
                ('campaign', toString(utm_campaign))
            ],
            []
        )
    ) as shown
where detail = 'route' and kind in ('pageview', 'goal') and tupleElement(shown, 2) != ''
group by workspace_id, facet, value, day, org_id, site_id
order by workspace_id, facet, value, day, org_id, site_id
settings
    insert_deduplication_token = '0004_facet_days',
    deduplicate_blocks_in_dependent_materialized_views = 1,
    max_threads = 1,
    max_insert_threads = 1,
    max_bytes_before_external_group_by = 268435456,
    max_bytes_before_external_sort = 268435456;

create materialized view if not exists facet_days_of_events to facet_days as
select
    workspace_id,
    tupleElement(shown, 1) as facet,
    tupleElement(shown, 2) as value,
    day,
    org_id,
    site_id,
    count() as times,
    max(events.retain_until) as retain_until
from events
array join
    arrayConcat(
        [if(kind = 'goal', ('goal', toString(goal)), ('page', path))],
        if(
            starts_visit = 1,
            [
                ('landing_page', path),
                ('source', toString(events.source)),
                ('referrer', toString(referrer_host)),
                ('campaign', toString(utm_campaign))
            ],
            []
        )
    ) as shown
where detail = 'route' and kind in ('pageview', 'goal') and tupleElement(shown, 2) != ''
group by workspace_id, facet, value, day, org_id, site_id;
