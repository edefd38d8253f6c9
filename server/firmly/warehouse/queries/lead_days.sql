-- What some organisations did per day within a range, for the small charts.
-- parameters: workspace_id; org_ids; site_id (0: all sites); first_day, last_day; today;
--   merged, kept (ids and what each stands for, 0: hidden; both empty without corrections)
-- columns: stands_for (an id), day, visits, pageviews, active_ms
select
    /*= stands_for */ as stands_for,
    day,
    sum(org_days.visits) as visits,
    sum(org_days.pageviews) as pageviews,
    sum(org_days.active_ms) as active_ms
from org_days
where workspace_id = {workspace_id:UInt32}
    and day between {first_day:Date} and {last_day:Date}
    and org_id in {org_ids:Array(UInt64)}
    and ({site_id:UInt32} = 0 or site_id = {site_id:UInt32})
    and retain_until > {today:Date}
group by stands_for, day
order by stands_for, day
