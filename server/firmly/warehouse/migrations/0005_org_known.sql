-- Who may be shown: of each organisation until when a route of it is kept, and the days on which it was only counted,
-- each with the day until which it is kept. What is derived twice is the same, so that nothing here needs a token; the
-- views come first, and what is there already after them.
create table if not exists org_known
(
    workspace_id UInt32,
    org_id       UInt64,
    route_until  SimpleAggregateFunction(max, Date),                          -- 1970-01-01: no route is kept
    counted      SimpleAggregateFunction(groupUniqArrayArray, Array(UInt32))  -- day * 65536 + retain_until
)
engine = AggregatingMergeTree
order by (workspace_id, org_id)
settings $table_settings;

create materialized view if not exists org_known_of_org_days to org_known as
select
    workspace_id,
    org_id,
    max(if(has_route = 1, org_days.retain_until, toDate(0))) as route_until,
    groupUniqArrayIf(toUInt32(day) * 65536 + toUInt32(org_days.retain_until), has_route = 0) as counted
from org_days
group by workspace_id, org_id;

-- The rows of `organisations` once more, in pieces of which a page of the list reads few.
create table if not exists identities
(
    workspace_id    UInt32,
    org_id          UInt64,
    name            String,
    kind            LowCardinality(String),
    country         LowCardinality(String),
    domain          String,
    asn             UInt32,
    registered_name String,
    source          LowCardinality(String),
    as_of           Date,
    confidence      LowCardinality(String),
    alternatives    Array(Tuple(name String, source String, reason String)),
    last_minute     DateTime('UTC'),
    retain_until    Date
)
engine = ReplacingMergeTree(last_minute)
order by (workspace_id, org_id)
settings $table_settings, index_granularity = 256;

create materialized view if not exists identities_of_organisations to identities as
select
    workspace_id, org_id, name, kind, country, domain, asn, registered_name, source, as_of, confidence, alternatives,
    last_minute, retain_until
from organisations;

insert into org_known
select
    workspace_id,
    org_id,
    max(if(has_route = 1, org_days.retain_until, toDate(0))) as route_until,
    groupUniqArrayIf(toUInt32(day) * 65536 + toUInt32(org_days.retain_until), has_route = 0) as counted
from org_days
group by workspace_id, org_id
settings insert_deduplicate = 0, max_bytes_before_external_group_by = 268435456;

insert into identities
select
    workspace_id, org_id, name, kind, country, domain, asn, registered_name, source, as_of, confidence, alternatives,
    last_minute, retain_until
from organisations
settings insert_deduplicate = 0;
