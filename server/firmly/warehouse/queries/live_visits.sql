-- Visits of companies that go on: with an event since a moment, newest first. Only what a route is kept of.
-- parameters: workspace_id; since (unix seconds, a whole minute); first_day (visits may have begun before midnight);
--   today; max_rows
-- columns: org_id, visit_id, site_id, started_at and last_at (unix seconds), pageviews, and of the page looked at host,
--   path, title ('' where not kept); source, referrer_host, utm_source, utm_medium, utm_campaign of its start
select
    org_id,
    visit_id,
    argMin(org_events.site_id, seq) as site_id,
    toUnixTimestamp(min(minute)) as started_at,
    toUnixTimestamp(max(minute)) as last_at,
    countIf(kind = 'pageview') as pageviews,
    argMaxIf(toString(org_events.host), seq, kind = 'pageview') as host,
    argMaxIf(org_events.path, seq, kind = 'pageview') as path,
    argMaxIf(org_events.title, seq, kind = 'pageview') as title,
    argMin(org_events.source, seq) as source,
    argMin(org_events.referrer_host, seq) as referrer_host,
    argMin(org_events.utm_source, seq) as utm_source,
    argMin(org_events.utm_medium, seq) as utm_medium,
    argMin(org_events.utm_campaign, seq) as utm_campaign
from org_events
where workspace_id = {workspace_id:UInt32}
    and org_id in
    (
        select org_id
        from org_days
        where workspace_id = {workspace_id:UInt32}
            and day >= {first_day:Date}
            and last_minute >= toDateTime({since:UInt32}, 'UTC')
            and has_route = 1
            and retain_until > {today:Date}
    )
    and day >= {first_day:Date}
    and detail = 'route'
    and retain_until > {today:Date}
group by org_id, visit_id
having max(minute) >= toDateTime({since:UInt32}, 'UTC') and pageviews > 0
order by started_at desc, visit_id desc
limit {max_rows:UInt32}
