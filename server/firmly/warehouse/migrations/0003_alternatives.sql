-- What the data named besides an organisation, for its evidence: never a network, never a person.
alter table events add column if not exists
    org_alternatives Array(Tuple(name String, source String, reason String));

alter table organisations add column if not exists
    alternatives Array(Tuple(name String, source String, reason String));

-- One argMax over a tuple instead of one for each column: an insert is a fifth faster.
alter table organisations_of_events modify query
select
    workspace_id,
    org_id,
    tupleElement(newest, 1) as name,
    tupleElement(newest, 2) as kind,
    tupleElement(newest, 3) as country,
    tupleElement(newest, 4) as domain,
    tupleElement(newest, 5) as asn,
    tupleElement(newest, 6) as registered_name,
    tupleElement(newest, 7) as source,
    tupleElement(newest, 8) as as_of,
    tupleElement(newest, 9) as confidence,
    tupleElement(newest, 10) as alternatives,
    last_minute,
    retain_until
from
(
    select
        workspace_id,
        org_id,
        argMax(
            (
                org_name, org_kind, org_country, org_domain, org_asn,
                org_registered_name, org_source, org_as_of, org_confidence, org_alternatives
            ),
            minute
        ) as newest,
        max(minute) as last_minute,
        max(events.retain_until) as retain_until
    from events
    group by workspace_id, org_id
);
