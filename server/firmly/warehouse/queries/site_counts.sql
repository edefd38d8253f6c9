-- How much each site measured, and when last: shows whether its tag works.
-- parameters: workspace_id; first_day
-- columns: site_id, pageviews, last_hour (unix seconds, the start of the hour)
select
    site_id,
    sum(coverage_hours.pageviews) as pageviews,
    toUnixTimestamp(max(hour)) as last_hour
from coverage_hours
where workspace_id = {workspace_id:UInt32}
    and hour >= toDateTime({first_day:Date}, 'UTC')
group by site_id
