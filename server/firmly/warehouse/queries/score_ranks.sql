-- Where customers stand among all leads by their score at the end of a day.
-- parameters: workspace_id; today and the others of scores.sql, here for all that may be shown; customers (ids);
--   max_rows
-- columns: org_id, amounts, score, rank (from 1), leads (all that were ranked); the best first
select org_id, amounts, score, rank, leads
from
(
    select
        stands_for as org_id,
        amounts,
        score,
        rank() over (order by score desc) as rank,
        count() over () as leads
    from (/*= scores_of_all */)
)
where org_id in {customers:Array(UInt64)}
order by rank, org_id
limit {max_rows:UInt32}
