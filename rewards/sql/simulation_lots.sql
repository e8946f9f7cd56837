-- The lots of the customers %(customers)s as they stood at %(since)s, with the terms under which they were earned. What had
-- lapsed out of them by then and no return has counted yet is kept: a later return takes it first.
SELECT lot.customer_id, (lot.points - coalesce(used.points, 0))::bigint AS points, lot.available_at, lot.expires_at,
       CASE WHEN first.kind = 'AWARD' AND first.reference LIKE 'purchase:%%'
            THEN substr(first.reference, 10)::bigint END AS award,
       lot.idle_months IS NOT NULL AS moves, (coalesce(used.lapsed, 0) - coalesce(back.lapsed, 0))::bigint AS lapsed
FROM rewards_pointslot lot
JOIN rewards_pointsentry entry ON entry.id = lot.entry_id
CROSS JOIN LATERAL (
    WITH RECURSIVE carried AS (
        SELECT lot.entry_id, lot.origin_id
        UNION ALL
        SELECT origin.entry_id, origin.origin_id FROM rewards_pointslot origin JOIN carried ON origin.id = carried.origin_id
    )
    SELECT entry.kind, entry.reference
    FROM carried JOIN rewards_pointsentry entry ON entry.id = carried.entry_id WHERE carried.origin_id IS NULL
) first
CROSS JOIN LATERAL (
    SELECT sum(allocation.points) AS points, sum(allocation.points) FILTER (WHERE mover.kind = 'EXPIRE') AS lapsed
    FROM rewards_pointsallocation allocation JOIN rewards_pointsentry mover ON mover.id = allocation.entry_id
    WHERE allocation.lot_id = lot.id AND mover.happened_at < %(since)s
) used
CROSS JOIN LATERAL (
    SELECT sum((breakdown ->> 'lapsed')::bigint) AS lapsed FROM rewards_pointsentry
    WHERE corrects_id = entry.id AND kind = 'CLAW_BACK' AND happened_at < %(since)s
) back
WHERE lot.customer_id = ANY (%(customers)s) AND entry.happened_at < %(since)s
  AND (lot.points > coalesce(used.points, 0) OR used.lapsed > 0)
ORDER BY lot.id
