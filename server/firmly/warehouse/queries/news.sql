-- What changes whenever events of these days are stored: asked twice a second, so that nothing else need be.
-- parameters: workspace_id; first_day; today
-- columns: seen (a number without a meaning of its own)
select sum(org_days.visits + 2 * org_days.pageviews + 4 * org_days.goals + 8 * org_days.active_ms) as seen
from org_days
where workspace_id = {workspace_id:UInt32}
    and day >= {first_day:Date}
    and retain_until > {today:Date}
