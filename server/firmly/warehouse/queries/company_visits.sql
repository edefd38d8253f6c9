-- Visits of one organisation whose page route may be shown, newest first.
-- parameters: workspace_id; org_ids (the organisation, and those that it stands for); first_day,
--   last_day; today; before_at (unix seconds) and before_visit (the last visit seen); max_rows
-- columns: visit_id, started_at (unix seconds), site_id, source, referrer_host, utm_source, utm_medium,
--   utm_campaign, events: tuples (seq, kind, host, path, title, goal, active_ms), by seq
select
    visit_id,
    toUnixTimestamp(min(minute)) as started_at,
    argMin(org_events.site_id, seq) as site_id,
    argMin(org_events.source, seq) as source,
    argMin(org_events.referrer_host, seq) as referrer_host,
    argMin(org_events.utm_source, seq) as utm_source,
    argMin(org_events.utm_medium, seq) as utm_medium,
    argMin(org_events.utm_campaign, seq) as utm_campaign,
    arraySort(groupArray((seq, toString(kind), toString(host), path, title, toString(goal), active_ms))) as events
from org_events
where workspace_id = {workspace_id:UInt32}
    and org_id in {org_ids:Array(UInt64)}
    and day between {first_day:Date} and {last_day:Date}
    and detail = 'route'
    and retain_until > {today:Date}
group by visit_id
having (started_at, visit_id) < ({before_at:UInt32}, {before_visit:UInt64})
order by started_at desc, visit_id desc
limit {max_rows:UInt32}
