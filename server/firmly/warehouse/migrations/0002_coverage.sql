-- The coverage ledger: how many page views were measured per site, hour and outcome. No organisation.
create table if not exists coverage_hours
(
    workspace_id UInt32,
    site_id      UInt32,
    hour         DateTime('UTC'),
    outcome      LowCardinality(String),   -- company, or the reason why no event was kept
    pageviews    UInt64
)
engine = SummingMergeTree
partition by toYYYYMM(hour)
order by (workspace_id, site_id, hour, outcome)
settings $table_settings;
