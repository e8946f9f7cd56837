-- The lots of the customers %(customers)s as they stood at %(since)s, with the terms under which they were earned.
SELECT lot.customer_id, (lot.points - coalesce(used.points, 0))::bigint AS points, lot.available_at, lot.expires_at,
       CASE WHEN entry.kind = 'AWARD' AND entry.reference LIKE 'purchase:%%'
            THEN substr(entry.reference, 10)::bigint END AS award,
       lot.idle_months IS NOT NULL AS moves
FROM rewards_pointslot lot
JOIN rewards_pointsentry entry ON entry.id = lot.entry_id
CROSS JOIN LATERAL (
    SELECT sum(allocation.points)::bigint AS points
    FROM rewards_pointsallocation allocation JOIN rewards_pointsentry mover ON mover.id = allocation.entry_id
    WHERE allocation.lot_id = lot.id AND mover.happened_at < %(since)s
) used
WHERE lot.customer_id = ANY (%(customers)s) AND entry.happened_at < %(since)s
  AND lot.points > coalesce(used.points, 0)
