-- In which months something of an organisation is kept, and until when: whether it was there before some day is asked
-- of one row each, not of every day. Two arrays: the first day of each month, and until when the last of it is kept.
create table if not exists org_months
(
    workspace_id UInt32,
    org_id       UInt64,
    months       SimpleAggregateFunction(maxMap, Tuple(Array(UInt16), Array(UInt16)))
)
engine = AggregatingMergeTree
order by (workspace_id, org_id)
settings $table_settings;

create materialized view if not exists org_months_of_org_days to org_months as
select
    workspace_id,
    org_id,
    maxMap([toUInt16(toStartOfMonth(day))], [toUInt16(org_days.retain_until)]) as months
from org_days
group by workspace_id, org_id;

-- What is derived twice is the same, so that nothing here needs a token.
insert into org_months
select
    workspace_id,
    org_id,
    maxMap([toUInt16(toStartOfMonth(day))], [toUInt16(org_days.retain_until)]) as months
from org_days
group by workspace_id, org_id
settings insert_deduplicate = 0, max_bytes_before_external_group_by = 268435456;
