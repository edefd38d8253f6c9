-- The organisations that a workspace's corrections may be about: by id, AS number or registered name.
-- parameters: workspace_id; today; org_ids; asns; names (letters and digits of registered names in
--   lower case); max_rows
-- columns: org_id, name, country (alpha-2 or ''), asn, registered_name
select
    org_id,
    argMax(organisations.name, last_minute) as name,
    argMax(organisations.country, last_minute) as country,
    argMax(organisations.asn, last_minute) as asn,
    argMax(organisations.registered_name, last_minute) as registered_name
from organisations
where workspace_id = {workspace_id:UInt32}
    and retain_until > {today:Date}
    and org_id in
    (
        select org_id
        from organisations
        where workspace_id = {workspace_id:UInt32}
            and
            (
                has({org_ids:Array(UInt64)}, org_id)
                or has({asns:Array(UInt32)}, asn)
                or
                (
                    notEmpty({names:Array(String)})
                    and has({names:Array(String)}, replaceRegexpAll(lowerUTF8(registered_name), '[^\\p{L}\\p{N}]', ''))
                )
            )
    )
group by org_id
order by org_id
limit {max_rows:UInt32}
