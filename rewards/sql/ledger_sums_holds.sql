-- Holds are few and looked at one by one: whether they keep and took what they say. See rewards.domain.ledger.
SELECT {part} AS part, 0 AS total, count(*) > 0 AS is_doubtful
FROM (
    SELECT hold.customer_id
    FROM rewards_pointshold hold
    LEFT JOIN (
        SELECT hold_id, sum(part.points) AS kept, bool_or(part.customer_id <> lot.customer_id) AS is_strange
        FROM rewards_pointsholdpart part JOIN rewards_pointslot lot ON lot.id = part.lot_id
        GROUP BY hold_id
    ) hold_use ON hold_use.hold_id = hold.id
    LEFT JOIN rewards_pointsentry entry ON entry.id = hold.entry_id
    WHERE hold.state <> 'RELEASED' AND (hold_use.kept IS DISTINCT FROM hold.points OR hold_use.is_strange)
       OR hold.state = 'CAPTURED' AND (entry.customer_id, entry.kind, entry.points)
                                      IS DISTINCT FROM (hold.customer_id, 'REDEEM', -hold.points)
) wrong
{grouping}
