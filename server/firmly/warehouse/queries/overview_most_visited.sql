-- The companies with most visits in a range of days, for the overview.
-- parameters: workspace_id; site_id (0: all sites); first_day, last_day; today; max_rows;
--   merged, kept (ids and what each stands for, 0: hidden; both empty without corrections)
-- columns: org_id (what it stands for), visits, pageviews, goals, active_ms; most visits first
select
    /*= stands_for */ as stands_for,
    sum(org_days.visits) as visits,
    sum(org_days.pageviews) as pageviews,
    sum(org_days.goals) as goals,
    sum(org_days.active_ms) as active_ms
from org_days
where workspace_id = {workspace_id:UInt32}
    and day between {first_day:Date} and {last_day:Date}
    and ({site_id:UInt32} = 0 or site_id = {site_id:UInt32})
    and retain_until > {today:Date}
    and stands_for != 0
    and /*= row_shown */
group by stands_for
order by visits desc, pageviews desc, stands_for
limit {max_rows:UInt32}
