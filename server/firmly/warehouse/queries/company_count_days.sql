-- Days on which one organisation was only counted: no route, no minute, no source.
-- parameters: workspace_id; org_ids (the organisation, and those that it stands for); first_day, last_day; today
-- columns: day, visits, pageviews, active_ms; newest first
select
    day,
    toUInt64(sum(starts_visit)) as visits,
    countIf(kind = 'pageview') as pageviews,
    toUInt64(sum(org_events.active_ms)) as active_ms
from org_events
where workspace_id = {workspace_id:UInt32}
    and org_id in {org_ids:Array(UInt64)}
    and day between {first_day:Date} and {last_day:Date}
    and detail != 'route'
    and retain_until > {today:Date}
group by day
order by day desc
