(
    select org_id
    from org_known
    where workspace_id = {workspace_id:UInt32}
    group by org_id
    having max(route_until) > {today:Date}
        or length(
            arrayDistinct(
                arrayMap(
                    one -> intDiv(one, 65536),
                    arrayFilter(one -> one % 65536 > toUInt32({today:Date}), groupUniqArrayArray(counted))
                )
            )
        ) >= 3
)
