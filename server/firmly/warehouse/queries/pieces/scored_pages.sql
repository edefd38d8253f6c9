select
    /*= stands_for */ as stands_for,
    0. as goals,
    0. as visit_days,
    0. as visits,
    0. as deeper,
    0. as minutes,
    0. as bounces,
    sum(if(is_high, /*= score_weight */, 0)) as high,
    sum(if(is_high, 0, /*= score_weight */)) as low
from
(
    select
        org_id,
        day,
        arrayExists(start -> startsWith(path, start), {score_high:Array(String)}) as is_high
    from org_events
    prewhere workspace_id = {workspace_id:UInt32}  -- First by the key: else paths of others are looked at, too.
        and org_id in {org_ids:Array(UInt64)}
        and day between {score_first_day:Date} and {score_as_of:Date}
    where detail = 'route'
        and kind = 'pageview'
        and retain_until > {today:Date}
        and (is_high or arrayExists(start -> startsWith(path, start), {score_low:Array(String)}))
)
group by stands_for
