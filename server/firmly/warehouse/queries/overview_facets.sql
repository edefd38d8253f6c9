-- What visits of companies came by and reached in a range of days, for the overview: the values seen most of each
-- kind. Of visits with a route only, so that who may not be shown is not in it.
-- parameters: workspace_id; site_id (0: all sites); first_day, last_day; today; facets; max_rows (of each facet);
--   merged, kept (ids and what each stands for, 0: hidden; both empty without corrections)
-- columns: facet, value, companies, times (visits, or for goals how often it was reached), others (values of this facet
--   that are left out); seen most first
select
    facet,
    value,
    companies,
    times,
    if(values_of_facet > {max_rows:UInt32}, values_of_facet - {max_rows:UInt32}, 0) as others
from
(
    select
        facet,
        value,
        uniqExact(/*= stands_for */) as companies,
        sum(facet_days.times) as times,
        count() over (partition by facet) as values_of_facet
    from facet_days
    where workspace_id = {workspace_id:UInt32}
        and facet in {facets:Array(String)}
        and day between {first_day:Date} and {last_day:Date}
        and ({site_id:UInt32} = 0 or site_id = {site_id:UInt32})
        and retain_until > {today:Date}
        and /*= stands_for */ != 0
    group by facet, value
)
order by facet, times desc, companies desc, value
limit {max_rows:UInt32} by facet
