-- What the visits of one organisation did in a range: pages, landing pages, sources, campaigns, goals, by how often.
-- parameters: workspace_id; org_ids (the organisation, and those that it stands for); first_day, last_day; today;
--   max_rows (of each facet)
-- columns: facet (page, landing_page, source, campaign, goal), value (never ''), times; the most first
select
    tupleElement(shown, 1) as facet,
    tupleElement(shown, 2) as value,
    count() as times
from
(
    select
        arrayJoin(
            arrayConcat(
                [if(kind = 'goal', ('goal', toString(goal)), ('page', path))],
                if(
                    starts_visit = 1,
                    [
                        ('landing_page', path),
                        ('source', toString(org_events.source)),
                        ('campaign', toString(utm_campaign))
                    ],
                    []
                )
            )
        ) as shown
    from org_events
    where workspace_id = {workspace_id:UInt32}
        and org_id in {org_ids:Array(UInt64)}
        and day between {first_day:Date} and {last_day:Date}
        and detail = 'route'
        and kind in ('pageview', 'goal')
        and retain_until > {today:Date}
)
where value != ''
group by facet, value
order by facet, times desc, value
limit {max_rows:UInt32} by facet
