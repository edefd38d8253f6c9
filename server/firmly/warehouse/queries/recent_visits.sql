-- Visits of some organisations since a day, to say what a correction would change.
-- parameters: workspace_id; org_ids; first_day; today
-- columns: org_id, visits
select
    org_id,
    sum(org_days.visits) as visits
from org_days
where workspace_id = {workspace_id:UInt32}
    and day >= {first_day:Date}
    and org_id in {org_ids:Array(UInt64)}
    and retain_until > {today:Date}
group by org_id
