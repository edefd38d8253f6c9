-- How long an organisation is known, over all that is kept: decides whether it may be shown at all.
-- parameters: workspace_id; org_ids (the organisation, and those that it stands for); today
-- columns: days (distinct), has_route, first_day, last_at (unix seconds), last_is_exact (0: only the
--   day is kept); no row where nothing is kept
select
    uniqExact(day) as days,
    toUInt8(max(detail = 'route')) as has_route,
    min(day) as first_day,
    toUnixTimestamp(max(minute)) as last_at,
    toUInt8(argMax(detail = 'route', minute)) as last_is_exact
from org_events
where workspace_id = {workspace_id:UInt32}
    and org_id in {org_ids:Array(UInt64)}
    and retain_until > {today:Date}
having count() > 0
