-- The lots of the customers %(customers)s as they stood at %(since)s, with the terms under which they were earned. What had
-- lapsed out of them by then and no return has counted yet is kept: a later return takes it first. Returns count at the
-- award's own lot also what lapsed out of those that carry it on, so that there it may be less than nothing. Purchases of
-- before that were told later say when; `homes` are whose they were before merges.
SELECT lot.customer_id, (lot.points - coalesce(used.points, 0))::bigint AS points, lot.available_at, lot.expires_at,
       CASE WHEN first.kind = 'AWARD' AND first.reference LIKE 'purchase:%%'
            THEN substr(first.reference, 10)::bigint END AS award,
       lot.idle_months IS NOT NULL AS moves, (coalesce(used.lapsed, 0) - coalesce(back.lapsed, 0))::bigint AS lapsed,
       CASE WHEN told.recorded_at >= %(since)s THEN told.recorded_at END AS known_at,
       CASE WHEN lot.origin_id IS NULL THEN '{}' ELSE ARRAY (
           WITH RECURSIVE carried AS (
               SELECT id, origin_id, customer_id FROM rewards_pointslot WHERE id = lot.origin_id
               UNION ALL
               SELECT before.id, before.origin_id, before.customer_id
               FROM rewards_pointslot before JOIN carried ON before.id = carried.origin_id
           ) SELECT customer_id FROM carried) END AS homes
FROM rewards_pointslot lot
JOIN rewards_pointsentry entry ON entry.id = lot.entry_id
LEFT JOIN rewards_pointslot origin ON lot.origin_id IS NOT NULL AND origin.id = points_first_lot(lot.id)
JOIN rewards_pointsentry first ON first.id = coalesce(origin.entry_id, lot.entry_id)
LEFT JOIN customers_purchase told ON lot.origin_id IS NULL AND told.id =
    CASE WHEN entry.kind = 'AWARD' AND entry.reference LIKE 'purchase:%%' THEN substr(entry.reference, 10)::bigint END
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
  AND (lot.points > coalesce(used.points, 0) OR used.lapsed > 0 OR back.lapsed > 0)
ORDER BY lot.id
