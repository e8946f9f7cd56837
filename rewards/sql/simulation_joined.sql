-- What the merges %(merges)s cost the target for a debt that went over (`debt`, and what paid it), or what of the source's
-- lots repaid the target's debt.
SELECT merge.id, greatest(0, -entry.points), part.points, lot.available_at, lot.expires_at,
       CASE WHEN first.kind = 'AWARD' AND first.reference LIKE 'purchase:%%'
            THEN substr(first.reference, 10)::bigint END AS award,
       lot.idle_months IS NOT NULL AS moves
FROM customers_customermerge merge
JOIN rewards_pointsentry entry ON entry.customer_id = merge.target_id AND entry.kind = 'MERGE'
    AND entry.reference = 'merge:' || merge.id
LEFT JOIN rewards_pointsallocation part ON part.entry_id = entry.id
LEFT JOIN rewards_pointslot lot ON lot.id = part.lot_id
LEFT JOIN rewards_pointslot origin ON origin.id = points_first_lot(lot.id)
LEFT JOIN rewards_pointsentry first ON first.id = origin.entry_id
WHERE merge.id = ANY (%(merges)s)
ORDER BY merge.id, part.id
