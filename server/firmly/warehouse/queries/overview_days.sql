-- What companies did on each day of a range, and of the one before it, for the overview.
-- parameters: workspace_id; site_id (0: all sites); before_first, last_day; today;
--   merged, kept (ids and what each stands for, 0: hidden; both empty without corrections)
-- columns: day (oldest first), visits, pageviews, goals
select
    day,
    sum(org_days.visits) as visits,
    sum(org_days.pageviews) as pageviews,
    sum(org_days.goals) as goals
from org_days
where workspace_id = {workspace_id:UInt32}
    and day between {before_first:Date} and {last_day:Date}
    and ({site_id:UInt32} = 0 or site_id = {site_id:UInt32})
    and retain_until > {today:Date}
    and /*= stands_for */ != 0
    and /*= row_shown */
group by day
order by day
