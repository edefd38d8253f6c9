-- One page of the list of leads: the organisations that visited within a range of days, in the order asked for.
-- An organisation without any page route is left out until its kept history has three distinct days, also of
-- what it is corrected to be: a correction shows nobody sooner.
-- parameters: workspace_id; site_id (0: all sites); first_day, last_day; today;
--   before_value and before_org (the last row seen); max_rows;
--   merged, kept (ids and what each stands for, 0: hidden; both empty without corrections);
--   in the place of the condition what condition_sql.py makes of a filter, and in those of the order what ordering.py
--   says, with their own
-- columns: org_id, last_at (unix seconds), last_is_exact (0: only the day is kept), visits, pageviews,
--   goals, active_ms, days (distinct, in the range), sorted_by, total (rows of all pages)
select org_id, last_at, last_is_exact, visits, pageviews, goals, active_ms, days, sorted_by, total
from
(
    select
        ranged.stands_for as org_id,
        toUnixTimestamp(last) as last_at,
        last_is_exact,
        visits,
        pageviews,
        goals,
        active_ms,
        days,
        /* sorted by */ toInt64(toUnixTimestamp(last)) as sorted_by,
        count() over () as total
    from
    (
        select
            /*= stands_for */ as stands_for,
            max(last_minute) as last,
            argMax(has_route, last_minute) as last_is_exact,
            sum(org_days.visits) as visits,
            sum(org_days.pageviews) as pageviews,
            sum(org_days.goals) as goals,
            sum(org_days.active_ms) as active_ms,
            uniqExact(day) as days
        from org_days
        where workspace_id = {workspace_id:UInt32}
            and day between {first_day:Date} and {last_day:Date}
            and ({site_id:UInt32} = 0 or site_id = {site_id:UInt32})
            and retain_until > {today:Date}
            and stands_for != 0
            and /*= row_shown */
        group by stands_for
    ) as ranged
    /* joined */
    where /* condition */ 1
)
where /* after */ (sorted_by, org_id) < ({before_value:Int64}, {before_org:UInt64})
order by /* in order */ sorted_by desc, org_id desc
limit {max_rows:UInt32}
