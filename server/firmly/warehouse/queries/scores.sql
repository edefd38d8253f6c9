-- How active companies were lately, as points from 0 to 100 with the amounts behind them (docs/SCORE.md). A day counts
-- the less the older it is.
-- parameters: workspace_id; today; merged, kept (ids and what each stands for, 0: hidden); score_first_day,
--   score_as_of (the days looked at, at most 64); score_weights (what a day counts by its age, from 0 days on, 64 of
--   them); score_points (per unit) and score_caps (the most that a term gives or takes), in the order of the amounts;
--   score_high, score_low (beginnings of paths); org_ids, or in its place whose scores else are asked for (ordering.py)
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
        stands_for,
        sum(did.goals) as goals,
        sum(did.high) as high,
        sum(did.visit_days) as visit_days,
        sum(did.visits) as visits,
        sum(did.deeper) as deeper,
        sum(did.minutes) as minutes,
        sum(did.bounces) as bounces,
        sum(did.low) as low
    from
    (
        select
            /*= stands_for */ as stands_for,
            sum(org_days.goals * /*= score_weight */) as goals,
            -- A day counts once, whatever the sites: one bit for each.
            arraySum(
                age -> {score_weights:Array(Float64)}[age + 1],
                bitPositionsToArray(
                    groupBitOr(
                        if(org_days.visits > 0, bitShiftLeft(toUInt64(1), toUInt8({score_as_of:Date} - day)), 0)
                    )
                )
            ) as visit_days,
            sum(org_days.visits * /*= score_weight */) as visits,
            sum(if(pageviews > org_days.visits, pageviews - org_days.visits, 0) * /*= score_weight */) as deeper,
            sum(org_days.active_ms * /*= score_weight */) / 60000 as minutes,
            sum(
                least(org_days.visits, if(2 * org_days.visits > pageviews, 2 * org_days.visits - pageviews, 0))
                * /*= score_weight */
            ) as bounces,
            0. as high,
            0. as low
        from org_days
        where workspace_id = {workspace_id:UInt32}
            and day between {score_first_day:Date} and {score_as_of:Date}
            and retain_until > {today:Date}
            and /* whom */ org_id in {org_ids:Array(UInt64)}
        group by stands_for
        union all
        /*= scored_pages */
    ) as did
    group by stands_for
    having stands_for != 0
)
