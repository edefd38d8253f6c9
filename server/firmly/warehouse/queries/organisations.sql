-- Who some organisations are, and the evidence for it, as last seen.
-- parameters: workspace_id; org_ids; today
-- columns: org_id, name, kind, country (alpha-2 or ''), domain ('': unknown), asn, registered_name,
--   source, as_of, confidence, alternatives: tuples (name, source, reason: '' or a drop reason)
select
    org_id,
    argMax(identities.name, last_minute) as name,
    argMax(identities.kind, last_minute) as kind,
    argMax(identities.country, last_minute) as country,
    argMax(identities.domain, last_minute) as domain,
    argMax(identities.asn, last_minute) as asn,
    argMax(identities.registered_name, last_minute) as registered_name,
    argMax(identities.source, last_minute) as source,
    argMax(identities.as_of, last_minute) as as_of,
    argMax(identities.confidence, last_minute) as confidence,
    argMax(identities.alternatives, last_minute) as alternatives
from identities
where workspace_id = {workspace_id:UInt32}
    and org_id in {org_ids:Array(UInt64)}
    and retain_until > {today:Date}
group by org_id
