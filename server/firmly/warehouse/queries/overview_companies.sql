-- How many companies visited on each day, and which of them for the first time or after a long while, for the overview.
-- A company is new on its first kept day, and re-engaged on a day that comes gap_days or more after the one before, on
-- whichever site. The days are read from known_first on, gap_days before before_first: of whoever has none from
-- there on it is enough to know whether any is kept. Who may not be shown alone counts for nothing, also as a part of
-- what it is corrected to be.
-- parameters: workspace_id; site_id (0: all sites); before_first, first_day, last_day (the range, and the one before);
--   known_first, known_month (the first of its month); gap_days; today;
--   merged, kept (ids and what each stands for, 0: hidden; both empty without corrections)
-- columns: day (from before_first on, oldest first), companies, starting (of which on their first day in its range),
--   new, re_engaged
select
    day,
    count() as companies,
    countIf(day = start or day = start_before) as starting,
    countIf(previous = toDate(0) and not is_known) as new,
    countIf(if(previous = toDate(0), is_known, day - previous >= {gap_days:UInt16})) as re_engaged
from
(
    select
        arraySort(arrayDistinct(groupArray(day))) as days,
        arrayPushFront(arrayPopBack(days), toDate(0)) as previous_days,
        if({site_id:UInt32} = 0, days, arraySort(groupUniqArrayIf(day, {site_id:UInt32} != 0 and site_id = {site_id:UInt32}))) as days_here,
        arrayFirst(one -> one >= {first_day:Date}, days_here) as start,
        arrayFirst(one -> one >= {before_first:Date}, days_here) as start_before,
        stands_for in
        (
            select /*= stands_for */
            from
            (
                select org_id
                from org_months
                where workspace_id = {workspace_id:UInt32}
                    and arrayExists(
                        (month, until) -> month < toUInt16({known_month:Date}) and until > toUInt16({today:Date}),
                        months.1,
                        months.2
                    )
                union all
                select org_id
                from org_days
                where workspace_id = {workspace_id:UInt32}
                    and day >= {known_month:Date}
                    and day < {known_first:Date}
                    and retain_until > {today:Date}
            )
            where empty({merged:Array(UInt64)}) or org_id in /*= showable */
        ) as is_known,
        /*= stands_for */ as stands_for
    from org_days
    where workspace_id = {workspace_id:UInt32}
        and day between {known_first:Date} and {last_day:Date}
        and retain_until > {today:Date}
        and stands_for != 0
        and /*= row_shown */
    group by stands_for
)
array join days as day, previous_days as previous
where day >= {before_first:Date} and ({site_id:UInt32} = 0 or has(days_here, day))
group by day
order by day
