-- The awards of purchases that the returns bring goods of, made now or in the books. A table of its own, to be analyzed.
CREATE TEMPORARY TABLE backfill_returned AS
SELECT touched.purchase_id, touched.customer_id, coalesce(made.points, entry.points) AS points,
       coalesce(made.breakdown, entry.breakdown) AS breakdown
FROM (
    SELECT DISTINCT purchase.id AS purchase_id, purchase.customer_id
    FROM unnest(%(returns)s::bigint[]) AS told (id)
    CROSS JOIN LATERAL (SELECT purchase_id FROM customers_purchasereturn back WHERE back.id = told.id OFFSET 0) back
    CROSS JOIN LATERAL (SELECT id, customer_id FROM customers_purchase WHERE id = back.purchase_id OFFSET 0) purchase
) touched
LEFT JOIN backfill_awards made ON made.purchase_id = touched.purchase_id
CROSS JOIN LATERAL (
    -- where what was booked before a merge stands
    SELECT CASE WHEN touched.customer_id IN (SELECT target_id FROM customers_customermerge
                                             UNION ALL SELECT source_id FROM customers_customermerge)
                THEN ARRAY (SELECT points_relatives(touched.customer_id)) ELSE ARRAY [touched.customer_id] END AS customers
) account
LEFT JOIN LATERAL (
    SELECT points, breakdown FROM rewards_pointsentry
    WHERE customer_id = ANY (account.customers) AND kind = 'AWARD' AND reference = 'purchase:' || touched.purchase_id
      AND made.purchase_id IS NULL
    OFFSET 0
) entry ON true
WHERE coalesce(made.breakdown, entry.breakdown) IS NOT NULL
