-- One page of the list of leads: the organisations that visited within a range of days, newest first.
-- An organisation without any page route is left out until its kept history has three distinct days, also of
-- what it is corrected to be: a correction shows nobody sooner.
-- parameters: workspace_id; site_id (0: all sites); first_day, last_day; today; name (part of a name
--   or domain, '': all); before_at (unix seconds) and before_org (the last row seen); max_rows;
--   merged, kept (ids and what each stands for, 0: hidden; both empty without corrections);
--   renamed (ids that corrections name), found (those of them with the name)
-- columns: org_id, last_at (unix seconds), last_is_exact (0: only the day is kept), visits, pageviews,
--   goals, active_ms, days (distinct, in the range), total (rows of all pages)
select
    stands_for as org_id,
    toUnixTimestamp(last) as last_at,
    last_is_exact,
    visits,
    pageviews,
    goals,
    active_ms,
    days,
    total
from
(
    select
        if(
            empty({merged:Array(UInt64)}),
            org_id,
            transform(org_id, {merged:Array(UInt64)}, {kept:Array(UInt64)}, org_id)
        ) as stands_for,
        max(last_minute) as last,
        argMax(has_route, last_minute) as last_is_exact,
        sum(org_days.visits) as visits,
        sum(org_days.pageviews) as pageviews,
        sum(org_days.goals) as goals,
        sum(org_days.active_ms) as active_ms,
        uniqExact(day) as days,
        count() over () as total
    from org_days
    where workspace_id = {workspace_id:UInt32}
        and day between {first_day:Date} and {last_day:Date}
        and ({site_id:UInt32} = 0 or site_id = {site_id:UInt32})
        and retain_until > {today:Date}
        and stands_for != 0
        and org_id in
        (
            select org_id
            from org_days
            where workspace_id = {workspace_id:UInt32} and retain_until > {today:Date}
            group by org_id
            having max(has_route) = 1 or uniqExact(day) >= 3
        )
        and
        (
            {name:String} = ''
            or has({found:Array(UInt64)}, stands_for)
            or stands_for in
            (
                select org_id
                from organisations
                where workspace_id = {workspace_id:UInt32}
                    and {name:String} != ''
                    and not has({renamed:Array(UInt64)}, org_id)
                group by org_id
                having positionCaseInsensitiveUTF8(argMax(name, last_minute), {name:String}) > 0
                    or positionCaseInsensitiveUTF8(argMax(domain, last_minute), {name:String}) > 0
            )
        )
    group by stands_for
)
where (last_at, org_id) < ({before_at:UInt32}, {before_org:UInt64})
order by last_at desc, org_id desc
limit {max_rows:UInt32}
