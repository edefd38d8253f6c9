-- What an operator's BI tool may read (docs/EXPORTS.md): organisations only, within their retention, and none without a
-- route before its third day. A workspace's corrections live in the control plane and do not apply here.
create view if not exists bi_leads_days as
select
    days.workspace_id as workspace_id,
    days.day as day,
    days.site_id as site_id,
    leftPad(lower(hex(days.org_id)), 16, '0') as company_id,
    names.name as company,
    names.domain as domain,
    toString(names.country) as country,
    toString(names.kind) as kind,
    sum(days.visits) as visits,
    sum(days.pageviews) as pageviews,
    sum(days.goals) as goals,
    intDiv(sum(days.active_ms), 1000) as seconds
from org_days as days
inner join
(
    select workspace_id, org_id, name, domain, country, kind
    from organisations final
    where retain_until > toDate(now('UTC'))
) as names on names.workspace_id = days.workspace_id and names.org_id = days.org_id
where days.retain_until > toDate(now('UTC'))
    and (days.workspace_id, days.org_id) in
    (
        select workspace_id, org_id
        from org_days
        where retain_until > toDate(now('UTC'))
        group by workspace_id, org_id
        having max(has_route) = 1 or uniqExact(day) >= 3
    )
group by workspace_id, day, site_id, company_id, company, domain, country, kind;

create view if not exists bi_visits as
select
    visits.workspace_id as workspace_id,
    toDate(visits.started_at) as day,
    visits.site_id as site_id,
    leftPad(lower(hex(visits.org_id)), 16, '0') as company_id,
    names.name as company,
    names.domain as domain,
    toString(names.country) as country,
    toString(names.kind) as kind,
    visits.started_at as started_at,
    visits.host as host,
    visits.source as source,
    visits.referrer as referrer,
    visits.medium as medium,
    visits.campaign as campaign,
    if(empty(visits.pages), '', visits.pages[1]) as landing_page,
    visits.pages as pages,
    visits.seconds as seconds,
    visits.goals as goals
from
(
    select
        workspace_id,
        org_id,
        visit_id,
        min(minute) as started_at,
        argMin(org_events.site_id, seq) as site_id,
        toString(argMin(org_events.host, seq)) as host,
        toString(argMin(org_events.source, seq)) as source,
        toString(argMin(referrer_host, seq)) as referrer,
        toString(argMin(utm_medium, seq)) as medium,
        toString(argMin(utm_campaign, seq)) as campaign,
        arrayMap(one -> one.2, arraySort(groupArrayIf((seq, path), kind = 'pageview'))) as pages,
        toUInt32(intDiv(sum(active_ms), 1000)) as seconds,
        arrayMap(one -> one.2, arraySort(groupArrayIf((seq, toString(goal)), kind = 'goal'))) as goals
    from org_events
    where detail = 'route' and retain_until > toDate(now('UTC'))
    group by workspace_id, org_id, visit_id
) as visits
inner join
(
    select workspace_id, org_id, name, domain, country, kind
    from organisations final
    where retain_until > toDate(now('UTC'))
) as names on names.workspace_id = visits.workspace_id and names.org_id = visits.org_id;

-- Counters only. Its table has no deadline of its own; nothing in it is about anybody.
create view if not exists bi_coverage as
select
    workspace_id,
    toDate(hour) as day,
    site_id,
    toString(outcome) as outcome,
    sum(coverage_hours.pageviews) as pageviews
from coverage_hours
group by workspace_id, day, site_id, outcome;
