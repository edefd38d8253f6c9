-- The coverage ledger summed: page views per outcome within a range of days, of all sites or of one.
-- parameters: workspace_id; site_id (0: all sites); first_day, last_day
-- columns: outcome ('company' or a drop reason), pageviews
select
    outcome,
    sum(coverage_hours.pageviews) as pageviews
from coverage_hours
where workspace_id = {workspace_id:UInt32}
    and ({site_id:UInt32} = 0 or site_id = {site_id:UInt32})
    and hour >= toDateTime({first_day:Date}, 'UTC')
    and hour < toDateTime({last_day:Date} + 1, 'UTC')
group by outcome
order by pageviews desc, outcome
