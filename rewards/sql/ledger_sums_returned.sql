-- What the few entries that may bring points without lots put right in the sum; see rewards.domain.ledger. Their points go
-- back to lots that others made, and each such allocation is looked at: its entry and its lot are the same customer's.
WITH brought AS MATERIALIZED (
    SELECT id, customer_id, points,
           (hashint8extended(id, %(made)s # customer_id) >> 32)
           + (hashint8extended(id, %(taken)s # customer_id) >> 32) AS weight
    FROM rewards_pointsentry WHERE kind IN ('REIMBURSE', 'MERGE')
)
SELECT {part} AS part, sum(total) AS total, coalesce(bool_or(is_doubtful), false) AS is_doubtful
FROM (
    SELECT customer_id, CASE WHEN points <= %(large)s THEN -weight * greatest(0, points) END AS total,
           points > %(large)s AS is_doubtful
    FROM brought
    UNION ALL
    SELECT lot.customer_id, CASE WHEN lot.points <= %(large)s THEN weight * lot.points END, lot.points > %(large)s
    FROM brought JOIN rewards_pointslot lot ON lot.entry_id = brought.id AND lot.customer_id = brought.customer_id
    UNION ALL
    SELECT allocation.customer_id, -hashint8extended(allocation.id, %(given)s), false
    FROM brought
    JOIN rewards_pointsallocation allocation
        ON allocation.entry_id = brought.id AND allocation.customer_id = brought.customer_id AND allocation.points < 0
    JOIN rewards_pointslot lot ON lot.id = allocation.lot_id AND lot.customer_id = allocation.customer_id
) put
{grouping}
