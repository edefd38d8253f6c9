-- The organisations of a workspace's recent history by what rules of the operator look at, most visited first.
-- parameters: workspace_id; first_day; today
-- columns: org_id, name, country (alpha-2 or ''), asn, registered_name, visits (since first_day)
select
    org_id,
    identities.name as name,
    identities.country as country,
    identities.asn as asn,
    identities.registered_name as registered_name,
    days.visits as visits
from
(
    select
        org_id,
        argMax(organisations.name, last_minute) as name,
        argMax(organisations.country, last_minute) as country,
        argMax(organisations.asn, last_minute) as asn,
        argMax(organisations.registered_name, last_minute) as registered_name
    from organisations
    where workspace_id = {workspace_id:UInt32} and retain_until > {today:Date}
    group by org_id
) as identities
inner join
(
    select org_id, sum(org_days.visits) as visits
    from org_days
    where workspace_id = {workspace_id:UInt32} and day >= {first_day:Date} and retain_until > {today:Date}
    group by org_id
) as days using (org_id)
order by visits desc, org_id
