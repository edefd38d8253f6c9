-- How active companies were lately, as points from 0 to 100 with the amounts behind them (docs/SCORE.md). A day counts
-- the less the older it is: half after so many days.
-- parameters: workspace_id; today; merged, kept (ids and what each stands for, 0: hidden); score_first_day,
--   score_as_of (the days looked at, at most 64); score_half_life (days); score_points (per unit) and score_caps (the
--   most that a term gives or takes), in the order of the amounts; score_high, score_low (beginnings of paths);
--   org_ids, or in its place whose scores else are asked for (ordering.py)
-- columns: stands_for (an id), amounts (decayed: goals, high-value pages, days with a visit, visits, pages beyond a
--   visit's first, minutes of reading, visits of one page at least, low-value pages), score (0 to 100, whole)
select
    stands_for,
    [goals, high, visit_days, visits, deeper, minutes, bounces, low] as amounts,
    toUInt8(
        round(
            greatest(
                0,
                least(
                    100,
                    arraySum(
                        (amount, each, most) -> sign(each) * least(abs(each) * amount, most),
                        amounts,
                        {score_points:Array(Float64)},
                        {score_caps:Array(Float64)}
                    )
                )
            )
        )
    ) as score
from
(
    select
        /*= stands_for */ as stands_for,
        sum(did.goals * weight) as goals,
        sum(did.high * weight) as high,
        -- A day counts once, whatever the sites: one bit for each.
        arraySum(
            age -> pow(0.5, age / {score_half_life:Float64}),
            bitPositionsToArray(groupBitOr(if(did.visits > 0, bitShiftLeft(toUInt64(1), age), 0)))
        ) as visit_days,
        sum(did.visits * weight) as visits,
        sum(did.deeper * weight) as deeper,
        sum(did.active_ms * weight) / 60000 as minutes,
        sum(did.bounces * weight) as bounces,
        sum(did.low * weight) as low
    from
    (
        select
            org_id,
            {score_as_of:Date} - day as age,
            pow(0.5, age / {score_half_life:Float64}) as weight,
            org_days.goals as goals,
            org_days.visits as visits,
            org_days.active_ms as active_ms,
            if(pageviews > visits, pageviews - visits, 0) as deeper,
            least(visits, if(2 * visits > pageviews, 2 * visits - pageviews, 0)) as bounces,
            0 as high,
            0 as low
        from org_days
        where workspace_id = {workspace_id:UInt32}
            and day between {score_first_day:Date} and {score_as_of:Date}
            and retain_until > {today:Date}
            and /* whom */ org_id in {org_ids:Array(UInt64)}
        union all
        select
            org_id,
            {score_as_of:Date} - day as age,
            pow(0.5, age / {score_half_life:Float64}) as weight,
            0 as goals,
            0 as visits,
            0 as active_ms,
            0 as deeper,
            0 as bounces,
            if(arrayExists(start -> startsWith(value, start), {score_high:Array(String)}), times, 0) as high,
            if(high = 0, times, 0) as low
        from facet_days
        where workspace_id = {workspace_id:UInt32}
            and facet = 'page'
            and value in
            (
                select value
                from facets
                where workspace_id = {workspace_id:UInt32}
                    and facet = 'page'
                    and retain_until > {today:Date}
                    and arrayExists(
                        start -> startsWith(value, start),
                        arrayConcat({score_high:Array(String)}, {score_low:Array(String)})
                    )
            )
            and day between {score_first_day:Date} and {score_as_of:Date}
            and retain_until > {today:Date}
            and /* whom */ org_id in {org_ids:Array(UInt64)}
    ) as did
    group by stands_for
    having stands_for != 0
)
