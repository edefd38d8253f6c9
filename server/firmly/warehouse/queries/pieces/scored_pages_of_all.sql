select
    /*= stands_for */ as stands_for,
    0. as goals,
    0. as visit_days,
    0. as visits,
    0. as deeper,
    0. as minutes,
    0. as bounces,
    sum(times * /*= score_weight */) as high,
    0. as low
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
            and arrayExists(start -> startsWith(value, start), {score_high:Array(String)})
    )
    and day between {score_first_day:Date} and {score_as_of:Date}
    and retain_until > {today:Date}
    and /* whom */ org_id in {org_ids:Array(UInt64)}
group by stands_for
union all
select
    /*= stands_for */ as stands_for,
    0. as goals,
    0. as visit_days,
    0. as visits,
    0. as deeper,
    0. as minutes,
    0. as bounces,
    0. as high,
    sum(times * /*= score_weight */) as low
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
            and arrayExists(start -> startsWith(value, start), {score_low:Array(String)})
            and not arrayExists(start -> startsWith(value, start), {score_high:Array(String)})
    )
    and day between {score_first_day:Date} and {score_as_of:Date}
    and retain_until > {today:Date}
    and /* whom */ org_id in {org_ids:Array(UInt64)}
group by stands_for
