-- Of some organisations those that may be shown: with a page route, or seen on three distinct days.
-- parameters: workspace_id; org_ids; today
-- columns: org_id
select org_id
from org_known
where workspace_id = {workspace_id:UInt32}
    and org_id in {org_ids:Array(UInt64)}
    and org_id in /*= showable */
group by org_id
