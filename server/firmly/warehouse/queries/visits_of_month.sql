-- Every visit of a month whose page route may be shown, for whoever takes them away: one row each, by start.
-- A visit belongs to the month in which it began; one that goes on past its end is whole.
-- parameters: workspace_id; first_day, last_day (of the month); today; site_ids, site_keys (what each site is called);
--   hidden (ids that are left out, as those that are shown);
--   merged, kept (ids and what each stands for, 0: hidden; both empty without corrections);
--   said_ids, said_name, said_domain, said_country, said_kind (who the corrections say these are)
-- columns: company_id (16 hexadecimal digits), company, domain, country (alpha-2 or ''), kind, started_at (whole
--   minutes, UTC), site (its key, '' where there is none any more), host, source, referrer, medium, campaign,
--   landing_page, pages (paths, in order), seconds, goals (in order)
select
    leftPad(lower(hex(stands_for)), 16, '0') as company_id,
    if(is_said, transform(stands_for, {said_ids:Array(UInt64)}, {said_name:Array(String)}, ''), identities.name) as company,
    if(is_said, transform(stands_for, {said_ids:Array(UInt64)}, {said_domain:Array(String)}, ''), identities.domain) as domain,
    if(is_said, transform(stands_for, {said_ids:Array(UInt64)}, {said_country:Array(String)}, ''), identities.country) as country,
    if(is_said, transform(stands_for, {said_ids:Array(UInt64)}, {said_kind:Array(String)}, ''), identities.kind) as kind,
    started_at,
    transform(visits.site_id, {site_ids:Array(UInt32)}, {site_keys:Array(String)}, '') as site,
    host,
    source,
    referrer,
    medium,
    campaign,
    landing_page,
    pages,
    seconds,
    goals
from
(
    select
        if(
            empty({merged:Array(UInt64)}),
            org_id,
            transform(org_id, {merged:Array(UInt64)}, {kept:Array(UInt64)}, org_id)
        ) as stands_for,
        has({said_ids:Array(UInt64)}, stands_for) as is_said,
        visit_id,
        min(minute) as started_at,
        argMin(org_events.site_id, seq) as site_id,
        toString(argMin(org_events.host, seq)) as host,
        toString(argMin(org_events.source, seq)) as source,
        toString(argMin(referrer_host, seq)) as referrer,
        toString(argMin(utm_medium, seq)) as medium,
        toString(argMin(utm_campaign, seq)) as campaign,
        arrayMap(
            one -> one.2,
            arraySort(groupArrayIf((seq, path), org_events.kind = 'pageview'))
        ) as pages,
        if(empty(pages), '', pages[1]) as landing_page,
        toUInt32(intDiv(sum(active_ms), 1000)) as seconds,
        arrayMap(
            one -> one.2,
            arraySort(groupArrayIf((seq, toString(goal)), org_events.kind = 'goal'))
        ) as goals
    from org_events
    where workspace_id = {workspace_id:UInt32}
        and day between {first_day:Date} - 1 and {last_day:Date} + 1
        and detail = 'route'
        and retain_until > {today:Date}
        and stands_for != 0
        and stands_for not in {hidden:Array(UInt64)}
    group by org_id, visit_id
    having toDate(started_at) between {first_day:Date} and {last_day:Date}
) as visits
left join
(
    select
        org_id,
        argMax(organisations.name, last_minute) as name,
        argMax(organisations.domain, last_minute) as domain,
        toString(argMax(organisations.country, last_minute)) as country,
        toString(argMax(organisations.kind, last_minute)) as kind
    from organisations
    where workspace_id = {workspace_id:UInt32} and retain_until > {today:Date}
    group by org_id
) as identities on identities.org_id = visits.stands_for
order by started_at, company_id, visit_id
